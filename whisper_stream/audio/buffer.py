# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One channel's audio, resampled to 16 kHz as it arrives and kept while needed."""

import numpy as np
import soxr

from whisper_stream.audio.samples import Samples

WIRE_RATE = 16_000


class AudioBuffer:
    """Resamples a stream incrementally: later states extend earlier ones byte for byte.

    Parameters
    ----------
    rate : int
        Sample rate of the line, 8000 or 16000 Hz.
    position : int
        Start of the stream, in samples of the call at the line's rate.
    """

    def __init__(self, rate: int, position: int = 0) -> None:
        self._rate = rate
        self._scale = WIRE_RATE // rate
        self._begin(position)

    def _begin(self, position: int) -> None:
        self._base = position * self._scale
        self._kept: Samples = np.empty(0, np.int16)
        self._stream = (
            None
            if self._rate == WIRE_RATE
            else soxr.ResampleStream(self._rate, WIRE_RATE, 1, dtype="int16", quality="HQ")
        )

    def feed(self, samples: Samples, *, is_last: bool = False) -> None:
        """Append samples at the line's rate, shape (n,), int16."""
        wide = self._stream.resample_chunk(samples, last=is_last) if self._stream else samples
        self._kept = np.concatenate([self._kept, wide])

    def jump(self, position: int) -> None:
        """Continue at a later position, and discard the buffer."""
        self._begin(position)

    def between(self, start: int, end: int) -> Samples:
        """Return the audio between two positions (line-rate samples) as 16 kHz int16.

        The resampler lags by some milliseconds, so the newest may be missing.
        """
        first = start * self._scale - self._base
        return self._kept[max(0, first) : max(0, end * self._scale - self._base)].copy()

    def forget(self, before: int) -> None:
        """Discard audio before a position (line-rate samples)."""
        unneeded = min(before * self._scale - self._base, len(self._kept))
        # Copying on every frame would cost more than it saves.
        if unneeded >= WIRE_RATE:
            self._kept = self._kept[unneeded:].copy()
            self._base += unneeded
