# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is asked for an utterance and what is heard of it, whatever the wire form."""

from collections.abc import Iterable
from dataclasses import dataclass

from whisper_contract.text import join
from whisper_stream.audio.samples import Samples


@dataclass(frozen=True, eq=False)
class TranscriptionRequest:
    """One state of an utterance, to be transcribed.

    Attributes
    ----------
    utterance_id : str
        The same for all states of an utterance; the ResultId of its events.
    sequence : int
        Order of the states of an utterance: samples of the channel that had been heard.
    is_partial : bool
        Whether more of it is to come.
    audio : ndarray, shape (n,), int16
        16 kHz, from the start of the utterance on.
    start, end : float
        Seconds of the call at which the audio begins and ends.
    until : float
        Seconds of the call that had been heard when this was asked: `end`, or with the silence
        that showed the utterance to be over.
    language : str or None
        None: to be detected.
    languages : tuple of str
        Those that may be detected, the likeliest first; empty: every language.
    want_words : bool
        Whether words are to have times and confidences.
    terms : tuple of str
        Names and other words to expect.
    prompt : str or None
        Text that the model believes was said before.
    redaction : bool
        Whether numbers of cards and the like are left out.
    asked_at : float
        Time of the client's clock at which the newest of the audio was there.
    """

    call_id: str
    channel: int
    utterance_id: str
    sequence: int
    is_partial: bool
    audio: Samples
    start: float
    end: float
    until: float
    language: str | None
    want_words: bool
    beam_size: int
    asked_at: float
    languages: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    prompt: str | None = None
    redaction: bool = False


@dataclass(frozen=True)
class LiveWord:
    """A word as it was heard.

    Attributes
    ----------
    text : str
        Without blanks around it, with its punctuation.
    start, end : float
        Seconds from the start of the call.
    confidence : float
        0 to 1.
    is_stable : bool
        Whether it will be the same in all further partials of its utterance.
    before : str
        What stands before it in the text: a blank, or nothing where Whisper has none, as in
        "high-end" and in Chinese.
    """

    text: str
    start: float
    end: float
    confidence: float
    is_stable: bool = False
    before: str = " "


def text_of(words: Iterable[LiveWord]) -> str:
    """Return the text of words, with Whisper's blanks between them and none around."""
    return join(word.before + word.text for word in words)


@dataclass(frozen=True)
class TranscriptionResponse:
    """An answer.

    Attributes
    ----------
    words : tuple of LiveWord
        In order of time, which counts from the start of the call.
    language : str
        Whisper's code; empty if nothing was said.
    language_probability : float
        0 to 1; 1 where the language was given or the endpoint does not say.
    is_superseded : bool
        A partial that was not decoded, because a newer one came.
    warnings : tuple of str
        What it lacks, a sentence each.
    """

    words: tuple[LiveWord, ...]
    language: str
    language_probability: float = 1.0
    is_superseded: bool = False
    warnings: tuple[str, ...] = ()
