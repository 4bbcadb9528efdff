# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Detects float samples whose full scale is not 1: some programs write 16-bit values up to 32767.

Taken at face value, they are all far beyond full scale, and speech becomes noise.
"""

from collections.abc import Iterable
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.containers import open_container
from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.timeline import Limits

FLOATS = {"flt": np.float32, "dbl": np.float64}
"""FFmpeg's float sample formats; PCM samples in them may have any value, even NaN."""

# Full scale of integers of 16, 24 and 32 bits.
_SCALES = (float(1 << 15), float(1 << 23), float(1 << 31))
# Non-zero integers are all at least 1. Samples with full scale 1 rarely reach that, however they
# were mixed, and never by this much.
_LEAST, _FAR = 1.0, 8.0
_LEAST_SHARE, _FAR_SHARE = 1 / 10, 1 / 1000


class FullScale:
    """Estimates the full scale of samples."""

    def __init__(self) -> None:
        self._edges = (_LEAST, _FAR, *(2 * scale for scale in _SCALES))
        self._beyond = np.zeros(len(self._edges), np.int64)
        self._heard = 0

    def add(self, samples: NDArray[Any]) -> None:
        """Take more samples into account."""
        loud = np.abs(samples[np.isfinite(samples) & (samples != 0)])
        self._heard += len(loud)
        if len(loud) and loud.max() >= _LEAST:
            self._beyond += [np.count_nonzero(loud >= edge) for edge in self._edges]

    @property
    def value(self) -> float:
        """1, or the full scale of integers if the samples are integers."""
        least, far, *beyond = (count / max(1, self._heard) for count in self._beyond)
        if least > _LEAST_SHARE and far > _FAR_SHARE:
            for scale, share in zip(_SCALES, beyond, strict=True):
                if share <= _FAR_SHARE:
                    return scale
        return 1.0


def of_blocks(blocks: Iterable[NDArray[Any]]) -> float:
    """Return the full scale of samples that come in blocks."""
    found = FullScale()
    for block in blocks:
        found.add(block)
    return found.value


def of_tracks(file: FileBytes, limits: Limits, *, is_streamed_wav: bool) -> dict[int, float]:
    """Return the full scale of each float track, by stream index, where it is not 1.

    Reads the file once more, up to the maximum length of a recording.
    """
    with open_container(file, limits, is_streamed_wav=is_streamed_wav) as container:
        streams = [one for one in container.streams.audio if is_float(one)]
        found = {one.index: FullScale() for one in streams}
        try:
            for packet in container.demux(streams):
                limits.check()
                for frame in packet.decode():
                    found[packet.stream.index].add(samples_of(frame))
                if packet.pts and packet.pts * packet.time_base > limits.seconds:
                    break
        except av.error.FFmpegError:
            pass  # decoding will fail at the same place
    return {index: one.value for index, one in found.items() if one.value != 1}


def is_float(stream: Any) -> bool:
    """Whether a track is float PCM."""
    return stream.codec_context is not None and stream.codec_context.name.startswith("pcm_f")


def samples_of(frame: Any) -> NDArray[Any]:
    """Return a view of a frame's float samples in FFmpeg's memory."""
    count = frame.samples * frame.layout.nb_channels
    return np.frombuffer(frame.planes[0], FLOATS[frame.format.name], count)
