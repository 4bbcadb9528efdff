# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The messages from the ingress to the engine: all that the two share."""

import bisect
import itertools
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Sample rate of all decoded audio, as required by Whisper."""

Fingerprint = tuple[bytes, ...]
"""For each block of audio, a digest of all audio up to its end."""


class Samples(Protocol):
    """Samples of a recording, float32 in [-1, 1], 16 kHz mono: an array, or on disk."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def __getitem__(self, where: slice, /) -> NDArray[np.float32]:
        """Return the samples of a slice, in memory."""


@dataclass(frozen=True, kw_only=True)
class VadParameters:
    """Speech detection. Names, meanings and ranges are in ``request.schema.json``."""

    threshold: float = 0.5
    neg_threshold: float | None = None
    min_speech_duration_ms: int = 300
    max_speech_duration_s: float | None = None
    min_silence_duration_ms: int | None = None
    speech_pad_ms: int = 400


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """How to transcribe. Names, meanings and ranges are in ``request.schema.json``."""

    language: str | None = None
    languages: tuple[str, ...] = ()
    multilingual: bool = False
    task: str = "transcribe"
    temperature: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    beam_size: int = 5
    best_of: int = 5
    patience: float = 1.0
    length_penalty: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    initial_prompt: str | None = None
    terms: tuple[str, ...] = ()
    prefix: str | None = None
    condition_on_previous_text: bool | None = None
    no_speech_threshold: float | None = 0.6
    log_prob_threshold: float | None = -1.0
    compression_ratio_threshold: float | None = 2.4
    vad_filter: bool = True
    vad_parameters: VadParameters = VadParameters()
    clip_timestamps: tuple[float, ...] = ()
    channel_identification: bool = False
    audio_track: int | None = None
    diarize: bool = False
    num_speakers: int | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    word_timestamps: bool = False
    without_timestamps: bool = False
    redaction: bool = False


class Priority(IntEnum):
    """Order of windows: FINAL and PARTIAL are live, with a caller waiting; FILE yields to both."""

    FINAL = 0
    PARTIAL = 1
    FILE = 2

    @classmethod
    def by_length(cls, windows: int) -> "Priority":
        """Return the priority of a recording outside live calls, from its number of windows."""
        return cls.FINAL if windows <= 1 else cls.FILE


class Span(NamedTuple):
    """A range of samples of a recording; ``end`` is exclusive."""

    start: int
    end: int


@dataclass(frozen=True)
class Window:
    """Joined spans of a recording: the model's input.

    Attributes
    ----------
    spans : tuple of Span
        In order; together at most 30 s. Audio between them is left out.
    """

    spans: tuple[Span, ...]

    def cut_from(self, samples: Samples) -> NDArray[np.float32]:
        """Return the window's samples, given the recording's."""
        return np.concatenate([samples[span.start : span.end] for span in self.spans])

    def in_recording(self, seconds: float) -> float:
        """Convert a time in the window to one in the recording.

        Parameters
        ----------
        seconds : float
            Seconds from the start of the window. Times after its end count as its end; the joint of
            two spans counts as the start of the second.

        Returns
        -------
        float
            Seconds from the start of the recording.
        """
        sample = max(0, round(seconds * SAMPLE_RATE))
        ends = list(itertools.accumulate(span.end - span.start for span in self.spans))
        index = min(bisect.bisect_right(ends, sample), len(ends) - 1)
        span = self.spans[index]
        before = ends[index - 1] if index else 0
        return min(span.start + sample - before, span.end) / SAMPLE_RATE

    def in_window(self, seconds: float) -> float:
        """Convert a time in the recording to one in the window.

        Parameters
        ----------
        seconds : float
            Seconds from the start of the recording; times between two spans count as their joint.

        Returns
        -------
        float
            Seconds from the start of the window.
        """
        sample = round(seconds * SAMPLE_RATE)
        return sum(max(0, min(sample, one.end) - one.start) for one in self.spans) / SAMPLE_RATE


@dataclass(frozen=True)
class PreparedWindow:
    """A window with its features.

    Attributes
    ----------
    features : ndarray, shape (n_mels, frames), float32 or float16, frames <= 3,000
        Not padded.
    speech : tuple of Span
        Speech in it, each within one of its spans, in order; empty if none was found or detection
        is off.
    """

    window: Window
    features: NDArray[np.floating]
    speech: tuple[Span, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UtteranceState:
    """A state of an utterance, as known to the ingress; the engine knows earlier states.

    Attributes
    ----------
    is_partial : bool
        Whether the utterance continues.
    scope : tuple of str
        Call and channel, if given by the caller; utterances never span two of them.
    utterance_id : str or None
        The caller's name for the utterance.
    sequence : int or None
        The caller's sequence number of this state.
    fingerprint : Fingerprint
        Of the audio.
    """

    is_partial: bool
    scope: tuple[str, ...]
    utterance_id: str | None
    sequence: int | None
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Prepared:
    """A recording, or a part of a long one, ready for the engine.

    Attributes
    ----------
    windows : tuple of PreparedWindow
        In chronological order; empty without speech.
    duration : float
        Length of the recording in seconds.
    priority : Priority
        Decided by the ingress, once for the whole recording.
    utterance : UtteranceState or None
        The utterance state that it represents, if it is part of a live call.
    windows_to_come : int
        Number of windows of the recording in later parts.
    windows_before : int
        Number of windows of the recording in earlier parts.
    language : str or None
        Language detected in an earlier part.
    """

    windows: tuple[PreparedWindow, ...]
    duration: float
    priority: Priority
    utterance: UtteranceState | None = None
    windows_to_come: int = 0
    windows_before: int = 0
    language: str | None = None

    @property
    def windows_in_all(self) -> int:
        """Number of windows of the whole recording."""
        return self.windows_before + len(self.windows) + self.windows_to_come

    @property
    def end(self) -> float:
        """End of its last window, in seconds of the recording."""
        return self.windows[-1].window.spans[-1].end / SAMPLE_RATE if self.windows else 0.0
