# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a call says of itself while it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

from whisper_stream.requests import LiveWord, text_of


@dataclass(frozen=True, kw_only=True)
class UtteranceEvent:
    """What all events of an utterance say.

    Attributes
    ----------
    result_id : str
        The same for all events of an utterance: each result replaces the one before it.
    channel : int
        0 or 1.
    role : str
        AGENT or CUSTOMER.
    start, end : float
        Seconds from the start of the call.
    """

    call_id: str
    result_id: str
    channel: int
    role: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class TranscriptResult(UtteranceEvent):
    """What was heard of an utterance so far, or all of it.

    Attributes
    ----------
    language : str
        Whisper's code; empty if nothing was said.
    is_partial : bool
        More is to come; False for the final, after which nothing comes for this utterance.
    until : float
        Seconds of the call that had been heard when this was asked.
    latency_s : float
        From when the newest of that audio was there to this result, in seconds.
    warnings : tuple of str
        What the endpoint says that it lacks, a sentence each.
    """

    language: str
    is_partial: bool
    words: tuple[LiveWord, ...]
    until: float
    latency_s: float
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What the words say, with Whisper's own blanks between them."""
        return text_of(self.words)


@dataclass(frozen=True, kw_only=True)
class UtteranceLost(UtteranceEvent):
    """An utterance of which there will be no final: it was asked for until the limit.

    Attributes
    ----------
    attempts : int
        How often it was asked for.
    reason : str
        One sentence, of the last attempt.
    """

    attempts: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class AudioMissing:
    """A stretch of a channel that never came: the stream broke and went on later.

    Attributes
    ----------
    start, end : float
        Seconds from the start of the call.
    """

    call_id: str
    channel: int
    start: float
    end: float


@dataclass
class Counts:
    """What became of a channel's or a call's requests; each that was made is in one number.

    Attributes
    ----------
    partials_asked, partials_shown, partials_superseded, partials_dropped : int
        Asked is the sum of the others and of those that came after their final.
    partials_late : int
        Answered after the final of their utterance: not shown.
    utterances, finals, finals_lost : int
        Utterances that ended are finals or lost.
    retries : int
        Attempts at finals after the first.
    seconds : float
        Of audio, per channel; known of a call alone.
    """

    partials_asked: int = 0
    partials_shown: int = 0
    partials_superseded: int = 0
    partials_dropped: int = 0
    partials_late: int = 0
    utterances: int = 0
    finals: int = 0
    finals_lost: int = 0
    retries: int = 0
    seconds: float = 0.0

    @classmethod
    def of_call(cls, channels: Sequence["Counts"], seconds: float) -> "Counts":
        """Return the sums of a call's channels."""
        sums = {row.name: sum(getattr(each, row.name) for each in channels) for row in fields(cls)}
        return cls(**sums | {"seconds": seconds})


@dataclass(frozen=True, kw_only=True)
class CallEnded:
    """The last event: all audio has been heard, and every utterance is final or lost."""

    call_id: str
    counts: Counts


Event: TypeAlias = TranscriptResult | UtteranceLost | AudioMissing | CallEnded
