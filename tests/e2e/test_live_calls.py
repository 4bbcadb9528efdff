# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Live calls on a real endpoint: the client, the console in a browser, a short load test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.accuracy import total, word_errors
from benchmarks.load.__main__ import client
from benchmarks.load.callers import run
from benchmarks.load.script import read_samples
from benchmarks.references import CALLS, read_reference, text_of
from live_whisper.audio.call_file import read_call
from live_whisper.audio.playback import frames
from live_whisper.call import CallTranscriber, InlineExecutor
from live_whisper.console import serving
from live_whisper.sinks.amazon_transcribe import transcript_event
from live_whisper.transport.protobuf import ProtobufTransport
from live_whisper.transport.sagemaker import SageMakerEndpoint
from scripts.demo_calls import MAX_WORD_ERROR_RATE
from scripts.metric_files import FileSignals
from tests import browser
from whisper_stream.events import CallEnded, TranscriptResult
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from benchmarks.accuracy import WordErrors
    from benchmarks.references import Reference
    from scripts.local_stack import LocalStack

pytestmark = pytest.mark.slow

CALL = CALLS / "agent-and-caller-overlap.wav"
LOCAL = serving.LocalEndpoint("http://127.0.0.1:1/invocations", "demo")
LONG_S = 3.0
"""An utterance of this length has time for three partials at the longest interval, a second."""


def transport(stack: LocalStack) -> ProtobufTransport:
    return ProtobufTransport(SageMakerEndpoint(stack.endpoint_name, attempts=1, connections=16))


def errors(reference: Reference, heard: dict[int, str]) -> WordErrors:
    """Compare what was heard on each channel with what was said."""
    return total(
        [word_errors(text_of(reference.utterances, number), heard[number]) for number in (0, 1)]
    )


def test_a_call_has_real_times_confidences_and_growing_captions(stack: LocalStack) -> None:
    recording, reference = read_call(CALL), read_reference(CALL.with_suffix(".json"))
    # However slow the machine: what is tested are the words.
    settings = CallSettings(
        sample_rate=recording.sample_rate, partial_deadline_s=60.0, final_limit_s=120.0
    )
    with CallTranscriber(transport(stack), settings, executor=InlineExecutor()) as call:
        events = list(call.transcribe(frames(recording)))
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.counts.finals == ended.counts.utterances == len(reference.utterances)
    results = [event for event in events if isinstance(event, TranscriptResult)]
    finals = [result for result in results if not result.is_partial]
    heard = {n: " ".join(r.text for r in finals if r.channel == n) for n in (0, 1)}
    assert errors(reference, heard).rate <= MAX_WORD_ERROR_RATE
    for final in finals:
        starts = [word.start for word in final.words]
        assert starts == sorted(starts)
        assert len({round(word.end - word.start, 2) for word in final.words}) > 1
        assert all(0 < word.confidence <= 1 for word in final.words)
        grown = [r for r in results if r.result_id == final.result_id and r.is_partial]
        assert grown or final.end - final.start < LONG_S
        assert json.dumps(transcript_event(final))


@pytest.mark.realtime
def test_a_load_test_counts_every_request(stack: LocalStack) -> None:
    """Times are not judged here: machines differ."""
    samples = read_samples()
    for kind in ("ours", "lca"):
        found = run(client(kind, stack.endpoint_name), samples, 2, 6, (kind, "endpoint"))
        assert found.calls == 2
        assert found.finals >= 2
        assert found.partials + found.partials_dropped > 0
        assert found.finals_lost == 0
        # LCA asks for English, whatever is spoken.
        assert kind == "lca" or found.wer < 0.5


@pytest.mark.realtime
def test_a_sample_call_is_watched_in_a_browser(stack: LocalStack) -> None:
    files = stack.cloud.folder
    signals = FileSignals(lambda: files.glob("endpoints/*/metrics.jsonl"))
    app = serving.application(stack.endpoint_name, signals, CALLS, local=LOCAL)
    reference = read_reference(CALL.with_suffix(".json"))
    with browser.serving(app) as address, browser.opened(address) as page:
        page.click(f"#calls li[title='{CALL.name}'] button")
        page.evaluate(browser.WATCH)
        page.click("#play")
        page.wait_for_selector("#downloads:not([hidden])")
        heard, states = browser.captions(page), page.evaluate("window.states")
    texts = {n: " ".join(one["text"] for one in heard if one["channel"] == n) for n in (0, 1)}
    assert errors(reference, texts).rate <= MAX_WORD_ERROR_RATE
    long = [said for said in reference.utterances if said.end - said.start >= LONG_S]
    assert long
    for said in long:
        same = [one for one in heard if one["channel"] == said.channel]
        nearest = min(same, key=lambda one: abs(one["start"] - said.start))
        assert states.get(nearest["id"], 0) >= 3, said
