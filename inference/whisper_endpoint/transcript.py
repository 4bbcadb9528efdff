# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What was said: the results of windows, put together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Word:
    """A word with its times; faster-whisper's fields.

    Attributes
    ----------
    start, end : float
        Seconds from the start of the recording.
    word : str
        With the blank before it and the punctuation at it.
    probability : float
        Mean probability of its tokens, 0 to 1.
    """

    start: float
    end: float
    word: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of transcript; faster-whisper's fields.

    Attributes
    ----------
    id : int
        Position in the transcript, from 1; 0 until it is known.
    seek : int
        Where decoding began, in frames of 10 ms from the start of the recording.
    start, end : float
        Seconds from the start of the recording.
    text : str
        With the model's own leading blank.
    tokens : tuple of int
        Timestamps included.
    temperature : float
        At which its window was decoded.
    avg_logprob : float
        Of its window, per token, natural logarithm.
    compression_ratio : float
        Of its window's text.
    no_speech_prob : float
        Of its window, 0 to 1.
    words : tuple of Word or None
        None if they were not asked for.
    """

    seek: int
    start: float
    end: float
    text: str
    tokens: tuple[int, ...]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    words: tuple[Word, ...] | None = None
    id: int = 0


@dataclass(frozen=True)
class WindowResult:
    """What the engine made of one window, in the language given or detected."""

    language: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Transcript:
    """What was said in a recording.

    Attributes
    ----------
    language : str
        Whisper's code; empty if none was given and nothing was said.
    segments : tuple of Segment
        In order of time.
    is_superseded : bool
        A partial that was not decoded, for a newer state of its utterance came: these are the
        words of the newest earlier state that was.
    """

    language: str
    segments: tuple[Segment, ...]
    is_superseded: bool = False

    @property
    def text(self) -> str:
        """The segments' texts joined, without blanks around."""
        return "".join(segment.text for segment in self.segments).strip()


def assemble(language: str, results: Iterable[WindowResult]) -> Transcript:
    """Put the results of a recording's windows, given in order, together."""
    segments = (segment for result in results for segment in result.segments)
    numbered = (replace(segment, id=number) for number, segment in enumerate(segments, start=1))
    return Transcript(language, tuple(numbered))


def join(parts: Sequence[Transcript]) -> Transcript:
    """Put the transcripts of a recording's pieces, given in order, together."""
    language = next((part.language for part in parts if part.language), "")
    return assemble(language, (WindowResult(part.language, part.segments) for part in parts))
