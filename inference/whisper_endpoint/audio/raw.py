# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Raw samples without a container, as telephone systems send them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from whisper_contract import g711
from whisper_endpoint.audio import full_scale
from whisper_endpoint.audio.content import FileBytes

# Frames converted at once, to limit memory.
_BLOCK_FRAMES = 1 << 16
# FFmpeg's decoder, and the bytes that it is given at once: whole frames.
_CODECS = {"g722": ("g722", 8_000), "g729": ("g729", 1_000), "vox": ("adpcm_ima_oki", 4_000)}


CODED = frozenset(_CODECS)
"""Encodings that are always mono and have one rate."""
_G729_FRAME = 10


@dataclass(frozen=True)
class RawForm:
    """The format of raw audio.

    Attributes
    ----------
    encoding : {"pcm16", "pcm16be", "mulaw", "alaw", "float32", "g722", "g729", "vox"}
        pcm16 and float32 are little-endian, pcm16be is big-endian. Floats have full scale 1, or
        that of integers if all are integers. G.722 is 64 kbit/s, mono, 16 kHz; G.729 has frames
        of 10 bytes; vox is Dialogic's ADPCM; both are mono, 8 kHz.
    rate : int
        Samples per second and channel.
    channels : int
        Number of interleaved channels.
    """

    encoding: str
    rate: int
    channels: int = 1

    def blocks(self, data: FileBytes | bytes) -> Iterator[NDArray[np.int16]]:
        """Yield the samples block by block, without an incomplete last one.

        Yields
        ------
        ndarray, shape (frames, channels), int16
        """
        if self.encoding in CODED:
            yield from _decoded(data, *_CODECS[self.encoding], self.rate)
            return
        decode = _DECODERS[self.encoding]
        if self.encoding == "float32":
            parts = (np.frombuffer(block, "<f4") for block in self._parts(data))
            decode = partial(_from_float, full=full_scale.of_blocks(parts))
        for block in self._parts(data):
            yield decode(block).reshape(-1, self.channels)

    def _parts(self, data: FileBytes | bytes) -> Iterator[bytes]:
        width = _WIDTHS[self.encoding] * self.channels
        whole = len(data) // width * width
        for start in range(0, whole, _BLOCK_FRAMES * width):
            yield data[start : min(start + _BLOCK_FRAMES * width, whole)]


def form_of_name(name: str, data: FileBytes | bytes) -> RawForm | None:
    """Return the format of a file of raw samples, by its name; None for other files.

    Parameters
    ----------
    data : FileBytes or bytes
        Content of the file: one with a header is not raw, whatever its name.
    """
    extension = name.rpartition(".")[2].lower()
    if "." not in name or data[:4].startswith(_HEADERS):
        return None
    return FORMS_OF_NAMES.get(extension)


def _decoded(
    data: FileBytes | bytes, codec: str, size: int, rate: int
) -> Iterator[NDArray[np.int16]]:
    decoder: Any = av.CodecContext.create(codec, "r")
    decoder.layout, decoder.sample_rate = "mono", rate
    whole = len(data) - len(data) % (_G729_FRAME if codec == "g729" else 1)
    for start in range(0, whole, size):
        for frame in decoder.decode(av.Packet(data[start : min(start + size, whole)])):
            yield frame.to_ndarray().reshape(-1, 1)


def _from_float(data: bytes, full: float = 1.0) -> NDArray[np.int16]:
    samples = np.frombuffer(data, "<f4") / np.float32(full)
    samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    # Clip first: multiplying very large floats would overflow.
    scaled: NDArray[np.float32] = np.rint(np.clip(samples, -1, 1) * 32768)
    return np.minimum(scaled, 32767).astype(np.int16)


FORMS_OF_NAMES: Mapping[str, RawForm] = {
    **dict.fromkeys(("ul", "ulaw", "pcmu"), RawForm("mulaw", 8_000)),
    **dict.fromkeys(("al", "alaw", "pcma"), RawForm("alaw", 8_000)),
    "g722": RawForm("g722", 16_000),
    "g729": RawForm("g729", 8_000),
    "vox": RawForm("vox", 8_000),
    "sln": RawForm("pcm16", 8_000),
    "sln16": RawForm("pcm16", 16_000),
}
"""Formats that telephone systems write without a header, by file extension."""

_HEADERS = (b"RIFF", b"RF64", b"OggS", b"fLaC", b"ID3", b"FORM", b".snd", b"caff")
_WIDTHS = {"pcm16": 2, "pcm16be": 2, "mulaw": 1, "alaw": 1, "float32": 4}
_DECODERS: Mapping[str, Callable[[bytes], NDArray[np.int16]]] = {
    "pcm16": lambda data: np.frombuffer(data, "<i2").astype(np.int16),
    "pcm16be": lambda data: np.frombuffer(data, ">i2").astype(np.int16),
    "mulaw": lambda data: g711.MULAW[np.frombuffer(data, np.uint8)],
    "alaw": lambda data: g711.ALAW[np.frombuffer(data, np.uint8)],
    "float32": _from_float,
}
