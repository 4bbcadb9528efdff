# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The sample calls with their reference transcripts: who said what, when, on which channel."""

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
    """What was said: seconds from the call's start; a word ends where the next one begins."""

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

    def to_json(self) -> str:
        """Write the reference as JSON, one utterance a line."""
        head: dict[str, Any] = asdict(self)
        lines = [json.dumps(row, ensure_ascii=False) for row in head.pop("utterances")]
        body = json.dumps(head, ensure_ascii=False)[:-1]
        return body + ', "utterances": [\n  ' + ",\n  ".join(lines) + "\n]}\n"


class SampleCall(NamedTuple):
    """A call with its reference."""

    call: Call
    reference: Reference


def sample_calls(folder: Path = CALLS) -> list[SampleCall]:
    """Read all sample calls in the order of their names; raises CommandError for none."""
    found = [
        SampleCall(read_call(path), read_reference(path.with_suffix(".json")))
        for path in sorted(folder.glob("*.wav"))
    ]
    if not found:
        raise CommandError(f"There are no calls in {folder}: run make sample-calls.")
    return found


def text_of(utterances: Iterable[Any], channel: int) -> str:
    """Join what one channel says, of a reference or a client's results, in order of time."""
    of_channel = (one for one in utterances if one.channel == channel)
    return " ".join(one.text for one in sorted(of_channel, key=lambda one: one.start))


def read_reference(path: Path) -> Reference:
    """Read a reference back from the JSON file next to its call."""
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
