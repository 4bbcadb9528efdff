# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One channel's audio at the endpoint's 16 kHz, resampled as it comes, kept while needed."""

import numpy as np
import soxr

from whisper_stream.audio.samples import Samples

WIRE_RATE = 16_000


class AudioBuffer:
    """Resamples a stream piece by piece: a longer state begins with the shorter one's bytes.

    Parameters
    ----------
    rate : int
        Of the line, 8000 or 16000.
    position : int
        Sample of the call, at the line's rate, at which what is fed begins.
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
        """Take samples at the line's rate, shape (n,), int16."""
        wide = self._stream.resample_chunk(samples, last=is_last) if self._stream else samples
        self._kept = np.concatenate([self._kept, wide])

    def jump(self, position: int) -> None:
        """Go on at a later position; what was kept is gone."""
        self._begin(position)

    def between(self, start: int, end: int) -> Samples:
        """Return the audio between two positions at the line's rate, as 16 kHz int16.

        The resampler is some milliseconds behind: the newest of them may be missing.
        """
        first = start * self._scale - self._base
        return self._kept[max(0, first) : max(0, end * self._scale - self._base)].copy()

    def forget(self, before: int) -> None:
        """Drop what lies before a position at the line's rate."""
        unneeded = min(before * self._scale - self._base, len(self._kept))
        # Moving memory for every frame would cost more than it saves.
        if unneeded >= WIRE_RATE:
            self._kept = self._kept[unneeded:].copy()
            self._base += unneeded
