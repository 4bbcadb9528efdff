# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Replays are deterministic, and slower if decoding costs more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.load import decode_times
from benchmarks.load.replay import Agreement, Replay
from benchmarks.load.script import read_samples, script
from scripts.weights import weights
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.settings import EndpointSettings
from whisper_stream.events import TranscriptResult
from whisper_stream.requests import LiveWord
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from benchmarks.load.results import LoadRow

SETTINGS = EndpointSettings(compute_type="int8", cpu_threads=1, engine_workers=1)


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    return WhisperEngine.load(weights("demo"), "cpu", SETTINGS)


def played(engine: WhisperEngine) -> LoadRow:
    said = [script(read_samples(), caller, 6) for caller in range(2)]
    return Replay(engine, SETTINGS, said, CallSettings()).run()


def test_a_replay_is_the_same_each_time_and_slower_where_decoding_costs_more(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = played(engine)
    assert first.finals > 0
    assert first.partials > 0
    assert first.finals_lost == first.errors == 0
    assert first.wer < 0.3
    assert played(engine) == first
    cost = decode_times.seconds
    monkeypatch.setattr(decode_times, "seconds", lambda *batch: 4 * cost(*batch))
    slower = played(engine)
    assert first.final_p50_ms is not None
    assert slower.final_p50_ms is not None
    assert slower.final_p50_ms > 2 * first.final_p50_ms


def result(words: str, *, stable: int, is_partial: bool) -> TranscriptResult:
    said = tuple(
        LiveWord(word, place, place + 1.0, 1.0, is_stable=place < stable)
        for place, word in enumerate(words.split())
    )
    return TranscriptResult(
        call_id="call",
        result_id="one",
        channel=0,
        role="AGENT",
        language="en",
        start=0.0,
        end=9.0,
        is_partial=is_partial,
        words=said,
        until=9.0,
        latency_s=0.1,
    )


def test_stable_words_that_the_final_lacks_are_counted() -> None:
    agreement = Agreement()
    agreement.show(result("I would like two", stable=2, is_partial=True))
    agreement.show(result("I would like to pay", stable=4, is_partial=True))
    agreement.show(result("I would like two pay.", stable=0, is_partial=False))
    assert (agreement.stable, agreement.contradicted) == (4, 1)
