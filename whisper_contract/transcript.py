# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The transcript of a recording, from which every response format is made."""

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
        Including the space before it and its punctuation.
    probability : float
        Mean probability of its tokens, 0 to 1.
    speaker : int or None
        Number of its speaker, from 0; None without diarization.
    speaker_name : str or None
        The speaker's name, if the request knows their voice.
    """

    start: float
    end: float
    word: str
    probability: float
    speaker: int | None = None
    speaker_name: str | None = None


def readable(words: Sequence[Word]) -> Iterator[Word]:
    """Yield words as a reader sees them, joined if no space separates them; see `text.together`.

    For formats whose words have no spaces, so that readers put one between all words.
    """
    for part in together([word.word for word in words]):
        one = words[part]
        yield Word(
            one[0].start,
            one[-1].end,
            "".join(word.word for word in one),
            fmean(word.probability for word in one),
            one[0].speaker,
            one[0].speaker_name,
        )


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of transcript; faster-whisper's fields, and the channel.

    Attributes
    ----------
    id : int
        Position in the transcript, from 1; 0 if not known yet.
    seek : int
        Where decoding began, in frames of 10 ms from the start of the recording.
    start, end : float
        Seconds from the start of the recording.
    text : str
        Including the model's leading space.
    tokens : tuple of int
        Including timestamps.
    temperature : float
        With which its window was decoded.
    avg_logprob : float
        Of its window, mean over the tokens, natural logarithm.
    compression_ratio : float
        Of its window's text.
    no_speech_prob : float
        Of its window, 0 to 1.
    words : tuple of Word or None
        None if not requested.
    channel : int or None
        Number of its channel, from 0; None if channels were not transcribed separately.
    is_cut : bool
        Whether repetitions in its window's text were cut; the response has a warning.
    speaker : int or None
        Number of its speaker, from 0; None without diarization.
    speaker_name : str or None
        The speaker's name, if the request knows their voice.
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
    speaker_name: str | None = None


@dataclass(frozen=True)
class Transcript:
    """The transcript of a recording.

    Attributes
    ----------
    language : str
        Whisper's code; empty if none was given and nothing was said.
    segments : tuple of Segment
        In chronological order.
    is_superseded : bool
        Whether this partial was not decoded because a newer state of its utterance arrived; the
        text is then that of the newest earlier state that was decoded.
    language_probability : float
        Of the detected language, 0 to 1; 1 if it was given, 0 if unknown.
    duration : float
        Length of the recording in seconds.
    channels : int or None
        Number of separately transcribed channels; None if they were mixed.
    warnings : tuple of str
        Problems of the transcript, one sentence each.
    speakers : int or None
        Number of speakers, who are numbered across channels in the order of their first words.
        None without diarization.
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
        """The joined texts of the segments, stripped, with a space where the channel changes."""
        turns = itertools.groupby(self.segments, key=lambda segment: segment.channel)
        said = (join(segment.text for segment in turn) for _, turn in turns)
        return " ".join(text for text in said if text)
