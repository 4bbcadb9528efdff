# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Events of a live call."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

from whisper_stream.requests import LiveWord, text_of


@dataclass(frozen=True, kw_only=True)
class UtteranceEvent:
    """Common fields of an utterance's events.

    Attributes
    ----------
    result_id : str
        The same for all events of an utterance; a result replaces the previous one.
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
    """The transcript of an utterance, partial or final.

    Attributes
    ----------
    language : str
        Whisper's code; empty if there was no speech.
    is_partial : bool
        False for the final, the utterance's last event.
    until : float
        Seconds of the call received when this was requested.
    latency_s : float
        Seconds from receiving the newest of that audio to this result.
    warnings : tuple of str
        The endpoint's sentences on what the result lacks.
    """

    language: str
    is_partial: bool
    words: tuple[LiveWord, ...]
    until: float
    latency_s: float
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The words joined with Whisper's own spacing."""
        return text_of(self.words)


@dataclass(frozen=True, kw_only=True)
class UtteranceLost(UtteranceEvent):
    """An utterance without a final: it was requested until its limit.

    Attributes
    ----------
    attempts : int
        Number of attempts.
    reason : str
        One sentence about the last attempt.
    """

    attempts: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class AudioMissing:
    """A gap in a channel: the stream broke and resumed later.

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
    """Outcomes of the requests of a channel or a call; each request has one outcome.

    Attributes
    ----------
    partials_asked, partials_shown, partials_superseded, partials_dropped : int
        Asked is the sum of the others and `partials_late`, plus those pending.
    partials_late : int
        Answered after their utterance's final: not shown.
    utterances, finals, finals_lost : int
        Every ended utterance becomes a final or is lost.
    retries : int
        Repeated attempts at finals.
    seconds : float
        Audio per channel; only known for a whole call.
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
        """Return the sums over a call's channels."""
        sums = {row.name: sum(getattr(each, row.name) for each in channels) for row in fields(cls)}
        return cls(**sums | {"seconds": seconds})


@dataclass(frozen=True, kw_only=True)
class CallEnded:
    """The last event: all audio is processed, and every utterance is final or lost."""

    call_id: str
    counts: Counts


Event: TypeAlias = TranscriptResult | UtteranceLost | AudioMissing | CallEnded
