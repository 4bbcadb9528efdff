# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sources of the diarization models: the user's S3 prefix, or the hub.

In the archive they are next to the Whisper model, below ``weights/speakers/``.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from deploy_whisper.archive.hub import Hub
from deploy_whisper.archive.source_file import SourceFile
from deploy_whisper.archive.upload import Destination, upload
from deploy_whisper.archive.weights import S3Weights, Sleep, WeightsSource
from deploy_whisper.budget import Budget
from deploy_whisper.settings import ArchiveSettings
from whisper_sagemaker.errors import WeightsNotFound

PARAMETER = "DiarizationModelS3Uri"

_FOLDER = "speakers/"


@dataclass(frozen=True)
class HubSpeakerFile:
    """A model on the hub, at a fixed commit; no token is needed.

    Attributes
    ----------
    path : str
        In its repository.
    file : SourceFile
        Its name in the archive, with the size and digest published by several independent sources.
    """

    repository: str
    revision: str
    path: str
    file: SourceFile


HUB_SPEAKERS = (
    # pyannote's segmentation-3.0, MIT.
    HubSpeakerFile(
        "csukuangfj/sherpa-onnx-pyannote-segmentation-3-0",
        "9403a6902bb58e3d5ae8c7e77c3422de279db2e0",
        "model.onnx",
        SourceFile(
            "segmentation.onnx",
            5_992_913,
            "sha256:220ad67ca923bef2fa91f2390c786097bf305bceb5e261d4af67b38e938e1079",
        ),
    ),
    # 3D-Speaker's CAM++, Apache-2.0.
    HubSpeakerFile(
        "csukuangfj/speaker-embedding-models",
        "0743f301363dec56491a490f6d6cbc9d67f9a3bf",
        "3dspeaker_speech_campplus_sv_zh_en_16k-common_advanced.onnx",
        SourceFile(
            "embedding.onnx",
            28_281_164,
            "sha256:aa3cfc16963a10586a9393f5035d6d6b57e98d358b347f80c2a30bf4f00ceba2",
        ),
    ),
)


class HubSpeakers:
    """The hub's diarization models.

    Parameters
    ----------
    url : str
        The hub's address, without a slash at the end.
    sleep : callable, optional
        Waits the given number of seconds while the hub is busy.
    """

    def __init__(self, url: str, sleep: Sleep = time.sleep) -> None:
        self._hubs = {one.file.path: _RenamingHub(url, one, sleep) for one in HUB_SPEAKERS}

    def files(self) -> list[SourceFile]:
        """Return both files, without asking the hub."""
        return [one.file for one in HUB_SPEAKERS]

    def stage(self, file: SourceFile, destination: Destination, budget: Budget) -> bool:
        """Stream one file to S3, resuming where an earlier call stopped."""
        return upload(self._hubs[file.path], file, destination, budget)


class _RenamingHub(Hub):
    """Reads a file that has another name on the hub."""

    def __init__(self, url: str, there: HubSpeakerFile, sleep: Sleep) -> None:
        super().__init__(url, there.repository, there.revision, sleep=sleep, instead=PARAMETER)
        self._path = there.path

    def read(self, file: SourceFile, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes of a file, given its name in the archive."""
        return super().read(replace(file, path=self._path), start)


class S3Speakers(S3Weights):
    """Diarization models below an S3 prefix."""

    def __init__(self, s3: Any, uri: str) -> None:
        super().__init__(s3, uri, PARAMETER)

    def files(self) -> list[SourceFile]:
        """List both files; raises WeightsNotFound or WeightsRefused."""
        found = {file.path: file for file in self.everything()}
        wanted = [one.file.path for one in HUB_SPEAKERS]
        if missing := [name for name in wanted if name not in found]:
            raise WeightsNotFound(
                f"Put {' and '.join(wanted)} at {PARAMETER}: {self._uri[:120]} lacks "
                f"{', '.join(missing)}."
            )
        return [found[name] for name in wanted]


class WithSpeakers:
    """A Whisper model together with the diarization models."""

    def __init__(self, model: WeightsSource, speakers: WeightsSource) -> None:
        self._model = model
        self._speakers = speakers

    def files(self) -> list[SourceFile]:
        """Return the files of both; raises WeightsError if one is incomplete."""
        beside = [replace(file, path=_FOLDER + file.path) for file in self._speakers.files()]
        return [*self._model.files(), *beside]

    def stage(self, file: SourceFile, destination: Destination, budget: Budget) -> bool:
        """Copy a file to its destination; False if the budget was spent first."""
        if not file.path.startswith(_FOLDER):
            return self._model.stage(file, destination, budget)
        inner = replace(file, path=file.path.removeprefix(_FOLDER))
        return self._speakers.stage(inner, destination, budget)


def with_speakers(
    model: WeightsSource,
    s3: Any,
    settings: ArchiveSettings,
    hub_url: str,
    sleep: Sleep = time.sleep,
) -> WeightsSource:
    """Return the model, with the diarization models if they are requested."""
    if settings.diarization_s3_uri:
        return WithSpeakers(model, S3Speakers(s3, settings.diarization_s3_uri))
    return WithSpeakers(model, HubSpeakers(hub_url, sleep)) if settings.diarization else model
