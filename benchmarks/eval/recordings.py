# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Find a folder's recordings and their reference texts, if any."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.publish.errors import CommandError
from whisper_endpoint.audio.decode import Limits, decode_channels
from whisper_endpoint.errors import EndpointError

_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("wav", "flac", "mp3", "m4a", "mp4", "aac", "ogg", "oga", "opus", "webm", "mka"),
        *("wma", "amr", "aiff", "aif", "au"),
    )
)
_LONGEST_S = 86_400.0


class RecordingRefused(CommandError):
    """A recording cannot be measured; others still can."""


@dataclass(frozen=True)
class RecordedFile:
    """A recording to measure.

    Attributes
    ----------
    path : Path
    name : str
        Path relative to the folder.
    texts : mapping of int or None to str
        Reference texts by channel, from 0, or for the whole file by None. Empty: unknown.
    """

    path: Path
    name: str
    texts: Mapping[int | None, str]

    @functools.cached_property
    def channels(self) -> tuple[NDArray[np.float32], ...]:
        """Each channel at 16 kHz in [-1, 1]; raises RecordingRefused if it is not audio."""
        try:
            found = decode_channels(self.path.read_bytes(), Limits(seconds=_LONGEST_S, channels=64))
        except (EndpointError, OSError) as error:
            raise RecordingRefused(str(error)) from None
        return tuple(one.samples for one in found)

    def parts(self) -> tuple[int | None, ...]:
        """Return the parts to compare: channels, or None for the whole file.

        A text for the whole file makes it one part. Without texts, a file with two channels is
        treated as a call.

        Raises
        ------
        RecordingRefused
            There is a text for a missing channel, or the file is not audio.
        """
        count = len(self.channels)
        for number in self.texts:
            if number is not None and number >= count:
                raise RecordingRefused(
                    f"there is a text for channel {number}, but the file has {count} channels: "
                    "they are counted from 0."
                )
        if self.texts:
            return tuple(self.texts)
        return tuple(range(count)) if count > 1 else (None,)


def recordings(folder: Path) -> list[RecordedFile]:
    """Find the recordings in a folder, recursively, sorted by name.

    The text of `call.wav` is `call.txt`, or per channel `call.0.txt`, `call.1.txt`.

    Raises
    ------
    CommandError
        The folder does not exist, has no audio, or has conflicting texts.
    """
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder: give AUDIO=, a folder with recordings.")
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES]
    if not paths:
        raise CommandError(
            f"{folder} has no recordings: put files such as .wav, .flac, .mp3, .m4a or .ogg there."
        )
    return [RecordedFile(path, str(path.relative_to(folder)), _texts(path)) for path in paths]


def _texts(path: Path) -> dict[int | None, str]:
    whole = path.with_suffix(".txt")
    by_channel: dict[int | None, Path] = {
        int(number): file
        for file in sorted(path.parent.glob("*.txt"))
        if file.name.startswith(f"{path.stem}.")
        and (number := file.name[len(path.stem) + 1 : -len(".txt")]).isdecimal()
    }
    if whole.exists() and by_channel:
        raise CommandError(
            f"{path.name} has a text for the whole file and others for its channels: keep "
            f"{whole.name} or {', '.join(file.name for file in by_channel.values())}."
        )
    found: dict[int | None, Path] = {None: whole} if whole.exists() else {}
    found.update(by_channel)
    return {number: _read(file) for number, file in found.items()}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{path.name} is not UTF-8: save it as UTF-8.") from None
