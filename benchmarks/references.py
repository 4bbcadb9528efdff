# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The reference transcript of a sample call: who said what, when, on which channel."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class ReferenceChannel:
    """One speaker: channel number, role ("agent" or "caller") and the synthesiser's voice."""

    channel: int
    role: str
    voice: str


@dataclass(frozen=True)
class ReferenceWord:
    """One word: its first and last sound in seconds from the call's start."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class ReferenceUtterance:
    """What was said: channel, first and last sound in seconds from the call's start, words.

    A word ends where the next one begins.
    """

    channel: int
    start: float
    end: float
    text: str
    words: tuple[ReferenceWord, ...] = ()


@dataclass(frozen=True)
class Reference:
    """A call's reference; `channels` and `utterances` are in order of channel and of start."""

    name: str
    language: str
    sample_rate: int
    channels: tuple[ReferenceChannel, ...]
    utterances: tuple[ReferenceUtterance, ...]

    def texts(self, channel: int) -> list[str]:
        """Return the sentences of one channel in the order in which they were said."""
        return [said.text for said in self.utterances if said.channel == channel]

    def to_json(self) -> str:
        """Write the reference as JSON, one utterance a line."""
        head: dict[str, Any] = asdict(self)
        lines = [json.dumps(row, ensure_ascii=False) for row in head.pop("utterances")]
        body = json.dumps(head, ensure_ascii=False)[:-1]
        return body + ', "utterances": [\n  ' + ",\n  ".join(lines) + "\n]}\n"


def read_reference(path: Path) -> Reference:
    """Read a reference back from the JSON file beside its call."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Reference(
        raw["name"],
        raw["language"],
        raw["sample_rate"],
        tuple(ReferenceChannel(**row) for row in raw["channels"]),
        tuple(_utterance(row) for row in raw["utterances"]),
    )


def _utterance(row: dict[str, Any]) -> ReferenceUtterance:
    words = tuple(ReferenceWord(**word) for word in row["words"])
    return ReferenceUtterance(**{**row, "words": words})
