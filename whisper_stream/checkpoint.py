# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where a channel goes on after a break: what it needs to repeat nothing and to lose nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from whisper_stream.audio.utterances import UtteranceSpan
from whisper_stream.requests import LiveWord


@dataclass(frozen=True)
class Pending:
    """An utterance that was not final, or whose final was not read; positions in samples.

    Attributes
    ----------
    end : int or None
        None: it was still being said.
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
        """Take note of an utterance."""
        return cls(result_id, utterance.start, utterance.end, utterance.seam, utterance.next_seam)

    @property
    def last(self) -> int:
        """Where its audio ends; of one that was still being said, where it begins."""
        return self.start if self.end is None else self.end

    def utterance(self) -> UtteranceSpan:
        """Return the utterance as it will be heard again."""
        return UtteranceSpan(self.start, self.last, 0, self.seam, self.end, self.next_seam)


@dataclass(frozen=True)
class ChannelCheckpoint:
    """What a call's checkpoint says of one channel.

    Attributes
    ----------
    heard_until : int
        Samples at the line's rate: what lies before is not needed again.
    listen_from : int
        From here on utterances are still to be found.
    pending : tuple of Pending
        Those found before.
    kept : tuple
        Pairs of a seam with its side, and the words that the utterance on that side kept.
    evidence : dict of str to float
        Of the channel's language.
    """

    heard_until: int = 0
    listen_from: int = 0
    pending: tuple[Pending, ...] = ()
    kept: tuple[tuple[tuple[int | None, str], tuple[LiveWord, ...]], ...] = ()
    evidence: dict[str, float] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ChannelCheckpoint":
        """Read back what `to_row` gave."""
        return cls(
            row["heard_until"],
            row["listen_from"],
            tuple(Pending(**one) for one in row["pending"]),
            tuple(
                ((side[0], side[1]), tuple(LiveWord(**one) for one in words))
                for side, words in row["kept"]
            ),
            dict(row["evidence"]),
        )
