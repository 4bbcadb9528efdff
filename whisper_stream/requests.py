# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests for utterances and their answers, independent of the wire format."""

from collections.abc import Iterable
from dataclasses import dataclass

from whisper_contract.text import join
from whisper_stream.audio.samples import Samples


@dataclass(frozen=True, eq=False)
class TranscriptionRequest:
    """A request to transcribe one state of an utterance.

    Attributes
    ----------
    utterance_id : str
        The same for all states of an utterance; ResultId of its events.
    sequence : int
        Order of an utterance's states: samples of the channel processed so far.
    is_partial : bool
        Whether the utterance is still open.
    audio : ndarray, shape (n,), int16
        16 kHz, from the start of the utterance.
    start, end : float
        Start and end of the audio in seconds of the call.
    until : float
        Seconds of the call received when this was requested: `end`, plus any silence that ended
        the utterance.
    language : str or None
        None: detected.
    languages : tuple of str
        Languages that may be detected, the likeliest first; empty: all.
    want_words : bool
        Whether to align words, for times and confidences.
    terms : tuple of str
        Expected names and words.
    prompt : str or None
        Preceding text, as context for the model.
    redaction : bool
        Whether card numbers and the like are redacted.
    asked_at : float
        Time on the client's clock when the newest audio arrived.
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
    """A transcribed word.

    Attributes
    ----------
    text : str
        Without surrounding spaces, with punctuation.
    start, end : float
        Seconds from the start of the call.
    confidence : float
        0 to 1.
    is_stable : bool
        Whether it stays the same in all further partials of its utterance.
    before : str
        Separator before it in the text: a space, or nothing where Whisper has none, as in
        "high-end" and in Chinese.
    """

    text: str
    start: float
    end: float
    confidence: float
    is_stable: bool = False
    before: str = " "


def text_of(words: Iterable[LiveWord]) -> str:
    """Join words with Whisper's spacing, stripped at both ends."""
    return join(word.before + word.text for word in words)


@dataclass(frozen=True)
class TranscriptionResponse:
    """An answer.

    Attributes
    ----------
    words : tuple of LiveWord
        In chronological order; times from the start of the call.
    language : str
        Whisper's code; empty if there was no speech.
    language_probability : float
        0 to 1; 1 if the language was given or the endpoint does not say.
    is_superseded : bool
        Whether this partial was skipped in favour of a newer one.
    warnings : tuple of str
        Sentences on what the answer lacks.
    """

    words: tuple[LiveWord, ...]
    language: str
    language_probability: float = 1.0
    is_superseded: bool = False
    warnings: tuple[str, ...] = ()
