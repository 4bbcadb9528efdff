# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What was said in a recording: the values that every answer is made from."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from whisper_contract.text import join, together


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
    speaker : int or None
        Number of its speaker, from 0; None if voices were not told apart.
    """

    start: float
    end: float
    word: str
    probability: float
    speaker: int | None = None


def readable(words: Sequence[Word]) -> Iterator[Word]:
    """Yield words as a reader has them: what no blank stands between is one, see `text.together`.

    For forms in which words have no blanks, so that whoever reads them puts one between all.
    """
    for part in together([word.word for word in words]):
        one = words[part]
        yield Word(
            one[0].start,
            one[-1].end,
            "".join(word.word for word in one),
            fmean(word.probability for word in one),
            one[0].speaker,
        )


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of transcript; faster-whisper's fields, and the channel.

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
    channel : int or None
        Number of its channel, from 0; None if channels were not transcribed each for itself.
    is_cut : bool
        Whether its window's text repeated itself and was cut; the answer warns of it.
    speaker : int or None
        Number of its speaker, from 0; None if voices were not told apart.
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
    channel: int | None = None
    is_cut: bool = False
    speaker: int | None = None


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
    language_probability : float
        Of the language detected, 0 to 1; 1 if it was given, 0 if it is not known.
    duration : float
        Seconds of the recording.
    channels : int or None
        How many channels were transcribed, each for itself; None if they were mixed into one.
    warnings : tuple of str
        What the transcript lacks, a sentence each.
    speakers : int or None
        How many people speak, numbered over all channels in the order of their first words: each
        segment has one of them. None if voices were not told apart.
    """

    language: str
    segments: tuple[Segment, ...]
    is_superseded: bool = False
    language_probability: float = 1.0
    duration: float = 0.0
    channels: int | None = None
    warnings: tuple[str, ...] = ()
    speakers: int | None = None

    @property
    def text(self) -> str:
        """The segments' texts as they are, without blanks around; a blank where a channel ends."""
        turns = itertools.groupby(self.segments, key=lambda segment: segment.channel)
        said = (join(segment.text for segment in turn) for _, turn in turns)
        return " ".join(text for text in said if text)
