# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The sample calls with reference transcripts: who said what, when, on which channel."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from live_whisper.audio.call_file import Call, read_call
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError

CALLS = ROOT / "samples" / "calls"
DEMO_MODEL = ROOT / "samples" / "model"


@dataclass(frozen=True)
class ReferenceChannel:
    """A speaker: channel number, role ("agent" or "caller") and the synthesiser's voice."""

    channel: int
    role: str
    voice: str


@dataclass(frozen=True)
class ReferenceWord:
    """A word: first and last sound in seconds from the call's start."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class ReferenceUtterance:
    """An utterance; seconds from the call's start; a word ends where the next begins."""

    channel: int
    start: float
    end: float
    text: str
    words: tuple[ReferenceWord, ...] = ()


@dataclass(frozen=True)
class Reference:
    """A call's reference; `channels` ordered by number, `utterances` by start."""

    name: str
    language: str
    sample_rate: int
    channels: tuple[ReferenceChannel, ...]
    utterances: tuple[ReferenceUtterance, ...]

    def to_json(self) -> str:
        """Return the reference as JSON, one utterance per line."""
        head: dict[str, Any] = asdict(self)
        lines = [json.dumps(row, ensure_ascii=False) for row in head.pop("utterances")]
        body = json.dumps(head, ensure_ascii=False)[:-1]
        return body + ', "utterances": [\n  ' + ",\n  ".join(lines) + "\n]}\n"


class SampleCall(NamedTuple):
    """A call with its reference."""

    call: Call
    reference: Reference


def sample_calls(folder: Path = CALLS) -> list[SampleCall]:
    """Read all sample calls, sorted by name; raises CommandError if there are none."""
    found = [
        SampleCall(read_call(path), read_reference(path.with_suffix(".json")))
        for path in sorted(folder.glob("*.wav"))
    ]
    if not found:
        raise CommandError(f"There are no calls in {folder}: run make sample-calls.")
    return found


def text_of(utterances: Iterable[Any], channel: int) -> str:
    """Join the texts of a channel, from a reference or results, in chronological order."""
    of_channel = (one for one in utterances if one.channel == channel)
    return " ".join(one.text for one in sorted(of_channel, key=lambda one: one.start))


def read_reference(path: Path) -> Reference:
    """Read a reference from the JSON file next to its call."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Reference(
        raw["name"],
        raw["language"],
        raw["sample_rate"],
        tuple(ReferenceChannel(**row) for row in raw["channels"]),
        tuple(
            ReferenceUtterance(**{**row, "words": tuple(ReferenceWord(**w) for w in row["words"])})
            for row in raw["utterances"]
        ),
    )
