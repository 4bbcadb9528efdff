# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Two-channel telephone audio, read from a WAV file and handed on in chunks per channel."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from live.errors import CallFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.int16]

CHANNELS = 2
SAMPLE_RATES = (8_000, 16_000)


@dataclass(frozen=True)
class Call:
    """A recorded call.

    Attributes
    ----------
    sample_rate : int
        Samples per second of each channel, 8000 or 16000.
    samples : ndarray, shape (n, 2), int16
        Column 0 is the first channel, column 1 the second.
    """

    sample_rate: int
    samples: Samples

    @property
    def seconds(self) -> float:
        """Length of the call in seconds."""
        return len(self.samples) / self.sample_rate

    def chunks(self, milliseconds: int) -> Iterator[Samples]:
        """Cut the call into consecutive pieces, as a telephone line would deliver it.

        Parameters
        ----------
        milliseconds : int
            Length of a piece; the last one may be shorter.

        Yields
        ------
        ndarray, shape (n, 2), int16
        """
        step = self.sample_rate * milliseconds // 1000
        for start in range(0, len(self.samples), step):
            yield self.samples[start : start + step]


def split_pcm(pcm: bytes) -> Samples:
    """Split interleaved 16-bit little-endian stereo into its channels.

    Parameters
    ----------
    pcm : bytes
        Samples of both channels in turn; a multiple of four bytes.

    Returns
    -------
    ndarray, shape (n, 2), int16

    Raises
    ------
    CallFileError
        If the last pair of samples is incomplete.
    """
    if len(pcm) % 4:
        raise CallFileError(
            f"The audio holds {len(pcm)} bytes, which is not a whole number of 16-bit stereo "
            "samples; send four bytes for each pair of samples."
        )
    return np.frombuffer(pcm, dtype="<i2").astype(np.int16, copy=False).reshape(-1, CHANNELS)


def read_call(path: Path) -> Call:
    """Read a two-channel 16-bit PCM WAV file at 8 or 16 kHz.

    Raises
    ------
    CallFileError
        If the file is missing, is no such WAV file, or is empty.
    """
    try:
        with wave.open(str(path), "rb") as file:
            _check_format(path, file)
            rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    except FileNotFoundError:
        raise CallFileError(f"There is no file {path}; name a two-channel WAV file.") from None
    except OSError as error:
        raise CallFileError(f"{path} cannot be read: {error.strerror}.") from None
    except (wave.Error, EOFError) as error:
        reason = str(error) or "it ends within its header"
        raise CallFileError(
            f"{path} is not a PCM WAV file ({reason}); convert it to 16-bit PCM WAV."
        ) from None
    if len(pcm) < 4:
        raise CallFileError(f"{path} holds no audio; record the call again.")
    return Call(rate, split_pcm(pcm[: len(pcm) // 4 * 4]))


def _check_format(path: Path, file: wave.Wave_read) -> None:
    if file.getnchannels() != CHANNELS:
        raise CallFileError(
            f"{path} has {file.getnchannels()} channel(s) and a call needs two, one for each "
            "speaker; record both channels into one file."
        )
    if file.getsampwidth() != 2:
        raise CallFileError(
            f"{path} has {8 * file.getsampwidth()}-bit samples; convert it to 16-bit PCM."
        )
    if file.getframerate() not in SAMPLE_RATES:
        raise CallFileError(
            f"{path} is sampled at {file.getframerate()} Hz; convert it to 8000 or 16000 Hz."
        )
