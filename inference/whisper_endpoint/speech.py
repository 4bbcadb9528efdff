# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where somebody speaks in a recording."""

from typing import NamedTuple

import numpy as np
from faster_whisper.vad import get_speech_timestamps
from numpy.typing import NDArray


class Span(NamedTuple):
    """A stretch of a recording: first sample, and the one after its last."""

    start: int
    end: int


def find_speech(samples: NDArray[np.float32]) -> list[Span]:
    """Find speech with Silero's detector and faster-whisper's settings.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono

    Returns
    -------
    list of Span
        In order, not overlapping, each with 400 ms of margin; pauses under 2 s are part of it.
    """
    if not len(samples):
        return []
    return [Span(found["start"], found["end"]) for found in get_speech_timestamps(samples)]
