# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""State with which a channel resumes, repeating and losing nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from whisper_stream.audio.utterances import UtteranceSpan
from whisper_stream.requests import LiveWord


@dataclass(frozen=True)
class Pending:
    """An utterance without a final, or with an unread one; positions in samples.

    Attributes
    ----------
    end : int or None
        None: it was still open.
    seam, next_seam : int or None
        See `whisper_stream.audio.utterances.UtteranceSpan`.
    """

    result_id: str
    start: int
    end: int | None = None
    seam: int | None = None
    next_seam: int | None = None

    @classmethod
    def of(cls, utterance: UtteranceSpan, result_id: str) -> "Pending":
        """Create from an utterance."""
        return cls(result_id, utterance.start, utterance.end, utterance.seam, utterance.next_seam)

    def __post_init__(self) -> None:
        """Refuse invalid values."""
        places = (self.end, self.seam, self.next_seam)
        is_sound = isinstance(self.result_id, str) and type(self.start) is int
        is_sound = is_sound and all(one is None or type(one) is int for one in places)
        if not is_sound or self.last < self.start:
            raise ValueError(f"{self!r:.200} is no utterance of a checkpoint.")

    @property
    def last(self) -> int:
        """End of its audio; the start for an open one."""
        return self.start if self.end is None else self.end

    def utterance(self) -> UtteranceSpan:
        """Return the utterance to be processed again."""
        return UtteranceSpan(self.start, self.last, 0, self.seam, self.end, self.next_seam)


@dataclass(frozen=True)
class ChannelCheckpoint:
    """One channel of a call's checkpoint.

    Attributes
    ----------
    heard_until : int
        Line-rate samples; audio before this is not needed again.
    listen_from : int
        Position from which utterances are yet to be detected.
    pending : tuple of Pending
        Utterances detected before that.
    kept : tuple
        Pairs of (seam, side) and the words kept by the utterance on that side.
    evidence : dict of str to float
        Evidence for the channel's language.
    """

    heard_until: int = 0
    listen_from: int = 0
    pending: tuple[Pending, ...] = ()
    kept: tuple[tuple[tuple[int | None, str], tuple[LiveWord, ...]], ...] = ()
    evidence: dict[str, float] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ChannelCheckpoint":
        """Parse the result of `to_row`.

        Raises
        ------
        KeyError, IndexError, TypeError, ValueError
            The row is invalid.
        """
        found = cls(
            row["heard_until"],
            row["listen_from"],
            tuple(Pending(**one) for one in row["pending"]),
            tuple(
                ((side[0], side[1]), tuple(LiveWord(**one) for one in words))
                for side, words in row["kept"]
            ),
            dict(row["evidence"]),
        )
        found._require_sound()
        return found

    def _require_sound(self) -> None:
        """Refuse values that would break a channel later, or make it keep audio forever."""
        places = (self.heard_until, self.listen_from)
        is_sound = all(type(one) is int for one in places)
        is_sound = is_sound and 0 <= self.heard_until <= self.listen_from
        is_sound = is_sound and all(one.start >= self.heard_until for one in self.pending)
        is_sound = is_sound and all(
            (place is None or type(place) is int) and isinstance(side, str)
            for (place, side), _ in self.kept
        )
        is_sound = is_sound and all(
            isinstance(word.text, str)
            and isinstance(word.before, str)
            and all(isinstance(one, int | float) for one in (word.start, word.end, word.confidence))
            for _, words in self.kept
            for word in words
        )
        is_sound = is_sound and all(
            isinstance(code, str) and isinstance(share, int | float)
            for code, share in self.evidence.items()
        )
        if not is_sound:
            raise ValueError("This is no checkpoint of a channel.")
