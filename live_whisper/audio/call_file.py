# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Read two-channel telephone audio from WAV files."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from live_whisper.errors import CallFileError
from whisper_stream.audio.samples import CHANNELS, SAMPLE_RATES, Encoding, Samples, decode

MOST_BYTES = 2**31
"""Largest file, in bytes: the most that an endpoint can be set to accept in a request."""

_PIECE_BYTES = 1 << 20
_EXTENSIBLE = 0xFFFE
_ENCODINGS = {1: Encoding.PCM16, 6: Encoding.ALAW, 7: Encoding.MULAW}
"""WAV format tags (RFC 2361)."""


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
            Length of each piece; the last may be shorter.

        Yields
        ------
        ndarray, shape (n, 2), int16
        """
        step = self.sample_rate * milliseconds // 1000
        for start in range(0, len(self.samples), step):
            yield self.samples[start : start + step]


def read_call(path: Path) -> Call:
    """Read a two-channel WAV file at 8 or 16 kHz; see `parse_call`.

    Raises
    ------
    CallFileError
        If the file is missing, empty, or not such a WAV file.
    """
    return parse_call(read_bytes(path, "a two-channel WAV file"), str(path))


def read_bytes(path: Path, wanted: str, enough: int | None = None) -> bytes:
    """Return the bytes of a file, at most `enough`, because some devices have no end.

    Raises
    ------
    CallFileError
        It cannot be read, or has more than `MOST_BYTES`; the message names what is `wanted`.
    """
    enough = MOST_BYTES + 1 if enough is None else enough
    content = io.BytesIO()  # hands out what it holds without copying it
    try:
        with path.open("rb") as file:
            while piece := file.read(min(_PIECE_BYTES, enough - content.tell())):
                content.write(piece)
    except FileNotFoundError:
        raise CallFileError(f"There is no file {path}; name {wanted}.") from None
    except OSError as error:
        raise CallFileError(
            f"{path} cannot be read ({error.strerror}); name {wanted} that you may read."
        ) from None
    if content.tell() > MOST_BYTES:
        raise CallFileError(f"{path} has more than 2 GB; name {wanted} that is shorter.")
    return content.getvalue()


def parse_call(data: bytes, name: str) -> Call:
    """Read a two-channel WAV file, 16-bit PCM, mu-law or A-law, at 8 or 16 kHz.

    Parameters
    ----------
    data : bytes
        The whole file. A truncated last sample is dropped.
    name : str
        File name for error messages.

    Raises
    ------
    CallFileError
        If it is empty or not such a WAV file.
    """
    form, audio = _chunks(data, name)
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    _check_format(name, channels, rate, tag, bits)
    encoding = _ENCODINGS[tag]
    step = CHANNELS * encoding.sample_bytes
    if len(audio) < step:
        raise CallFileError(f"{name} holds no audio; record the call again.")
    return Call(rate, decode(audio[: len(audio) // step * step], encoding, CHANNELS))


def _chunks(data: bytes, name: str) -> tuple[bytes, bytes]:
    """Return the format chunk and the audio of a RIFF file."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise _not_wav(name, "it does not begin as one")
    at, form = 12, b""
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        content = data[at + 8 : at + 8 + size]
        if kind == b"fmt ":
            form = content
        elif kind == b"data":
            if len(form) < 16:
                raise _not_wav(name, "it does not say its format")
            return form, content
        at += 8 + size + size % 2
    raise _not_wav(name, "it ends before its audio")


def _not_wav(name: str, reason: str) -> CallFileError:
    return CallFileError(
        f"{name} is not a WAV file that can be read ({reason}); convert it to two-channel 16-bit "
        "PCM WAV."
    )


def _check_format(name: str, channels: int, rate: int, tag: int, bits: int) -> None:
    if channels != CHANNELS:
        raise CallFileError(
            f"{name} has {channels} channel(s) and a call needs two, one for each "
            "speaker; record both channels into one file."
        )
    if tag not in _ENCODINGS or (tag == 1 and bits != 16):
        raise CallFileError(
            f"{name} has {bits}-bit samples of format {tag}; convert it to 16-bit PCM, mu-law or "
            "A-law."
        )
    if rate not in SAMPLE_RATES:
        raise CallFileError(f"{name} is sampled at {rate} Hz; convert it to 8000 or 16000 Hz.")
