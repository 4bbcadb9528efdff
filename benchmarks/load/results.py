# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Results of a load test, and their summary row."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from typing import Any

from benchmarks.accuracy import WordErrors, channel_errors, total
from benchmarks.lca_client.client import UtteranceResult
from benchmarks.load.script import Said
from benchmarks.references import ReferenceUtterance
from benchmarks.reporting import percentile
from whisper_stream.events import TranscriptResult

MAX_PARTIAL_MS = 1000.0
MAX_FINAL_MS = 1500.0
_LATE_S = 30.0
"""Longest delay of a result after its utterance, in seconds."""


@dataclass(frozen=True)
class Result:
    """A received result; times in seconds from the start of the call.

    `at` is when it arrived, `until` the newest audio sent for it; `start` and `end` of the
    utterance come from the client.
    """

    channel: int
    start: float
    end: float
    text: str
    is_partial: bool
    until: float
    at: float


@dataclass
class CallSeen:
    """A call's results, and the outcomes of its other requests."""

    said: Said
    results: list[Result] = field(default_factory=list)
    partials_dropped: int = 0
    finals_lost: int = 0
    errors: int = 0

    def show(self, shown: TranscriptResult | UtteranceResult, at: float) -> None:
        """Add a client's result, received at a time."""
        its = {name: getattr(shown, name) for name in Result.__annotations__ if name != "at"}
        self.results.append(Result(**its, at=at))


@dataclass(frozen=True)
class LoadRow:
    """A line of ``build/load.json``.

    Latency is measured from the newest audio sent to the result; ``word_p95_ms`` from the end of a
    spoken word to the first result with it. None: no data.
    """

    client: str
    server: str
    calls: int
    seconds: float
    partial_p50_ms: float | None
    partial_p95_ms: float | None
    final_p50_ms: float | None
    final_p95_ms: float | None
    word_p95_ms: float | None
    partials: int
    partials_dropped: int
    finals: int
    finals_lost: int
    errors: int
    wer: float
    partial_p95_with_dropped_ms: float | None

    @property
    def is_held(self) -> bool:
        """Whether the calls were served in time; dropped partials count as infinitely late."""
        return (
            self.finals_lost == 0
            and self.partial_p95_with_dropped_ms is not None
            and self.partial_p95_with_dropped_ms < MAX_PARTIAL_MS
            and self.final_p95_ms is not None
            and self.final_p95_ms < MAX_FINAL_MS
        )

    def to_json(self) -> dict[str, Any]:
        """Return the row for ``load.json``."""
        return {**asdict(self), "held": self.is_held}


def row(client: str, server: str, seconds: float, calls: Sequence[CallSeen]) -> LoadRow:
    """Summarise the calls of a run."""
    shown = [result for call in calls for result in call.results]
    partials = [1000 * (one.at - one.until) for one in shown if one.is_partial]
    finals = [1000 * (one.at - one.until) for one in shown if not one.is_partial]
    words = [1000 * late for call in calls for late in word_latencies(call)]
    dropped = sum(call.partials_dropped for call in calls)
    asked = percentile([*partials, *[math.inf] * dropped], 95) if partials or dropped else None
    errors: list[WordErrors] = []
    for call in calls:
        errors += channel_errors(call.said.utterances, call.results).values()
    return LoadRow(
        client=client,
        server=server,
        calls=len(calls),
        seconds=seconds,
        partial_p50_ms=_percentile(partials, 50),
        partial_p95_ms=_percentile(partials, 95),
        final_p50_ms=_percentile(finals, 50),
        final_p95_ms=_percentile(finals, 95),
        word_p95_ms=_percentile(words, 95),
        partials=len(partials),
        partials_dropped=dropped,
        finals=len(finals),
        finals_lost=sum(call.finals_lost for call in calls),
        errors=sum(call.errors for call in calls),
        wer=round(total(errors).rate, 4),
        partial_p95_with_dropped_ms=None if asked is None or math.isinf(asked) else round(asked, 1),
    )


def word_latencies(call: CallSeen) -> list[float]:
    """Return, for every recognized word, the seconds from its end to its first display."""
    found = []
    for said in call.said.utterances:
        if said.words:
            found += _of_utterance(said, call.results)
    return found


def _of_utterance(said: ReferenceUtterance, results: Iterable[Result]) -> list[float]:
    words = [_letters(word.text) for word in said.words]
    first: dict[int, float] = {}
    for result in sorted(results, key=lambda one: one.at):
        overlaps = result.start < said.end and result.end > said.start
        if result.channel != said.channel or not overlaps or result.at > said.end + _LATE_S:
            continue
        heard = [_letters(word) for word in result.text.split()]
        for match in SequenceMatcher(a=words, b=heard, autojunk=False).get_matching_blocks():
            for place in range(match.a, match.a + match.size):
                first.setdefault(place, result.at)
    return [at - said.words[place].end for place, at in first.items()]


def _letters(word: str) -> str:
    """Normalize case and punctuation of a word; Whisper's normaliser would join digits."""
    return "".join(letter for letter in word.lower() if letter.isalnum())


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return round(percentile(values, percent), 1) if values else None
