# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Live calls on a real endpoint: the client, the console in a browser, a short load test."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from live.call import CallTranscriber, InTurn
from live.console.library import Library
from live.console.server import Console
from live.console.signals import FileSignals
from live.endpoint import SageMakerEndpoint
from live.events import CallEnded, TranscriptResult
from live.frames import read_call
from live.playing import frames
from live.protobuf_transport import ProtobufTransport
from live.settings import CallSettings
from live.transcribe_shape import transcript_event
from local_cloud.container import free_port
from scripts.accuracy import total, word_errors
from scripts.demo import CALLS, MAX_WORD_ERROR_RATE
from scripts.load import client
from scripts.load_callers import run
from scripts.load_script import read_samples
from scripts.references import read_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from scripts.accuracy import WordErrors
    from scripts.local_stack import LocalStack
    from scripts.references import Reference

pytestmark = pytest.mark.slow

CALL = CALLS / "agent-and-caller-overlap.wav"
LONG_S = 2.5
"""An utterance of this length has time for three partials, at most a second apart."""


def transport(stack: LocalStack) -> ProtobufTransport:
    return ProtobufTransport(SageMakerEndpoint(stack.endpoint_name, attempts=1, connections=16))


def errors(reference: Reference, heard: dict[int, str]) -> WordErrors:
    """Compare what was heard on each channel with what was said."""
    return total(
        [word_errors(" ".join(reference.texts(number)), heard[number]) for number in (0, 1)]
    )


def test_a_call_has_real_times_confidences_and_growing_captions(stack: LocalStack) -> None:
    recording, reference = read_call(CALL), read_reference(CALL.with_suffix(".json"))
    settings = CallSettings(sample_rate=recording.sample_rate)
    with CallTranscriber(transport(stack), settings, executor=InTurn()) as call:
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


def test_a_load_test_counts_every_request(stack: LocalStack) -> None:
    """Times are not judged here: machines differ."""
    samples = read_samples(CALLS)
    for kind in ("ours", "lca"):
        found = run(client(kind, stack.endpoint_name), samples, 2, 6, (kind, "endpoint"))
        assert found.calls == 2
        assert found.finals >= 2
        assert found.partials + found.partials_dropped > 0
        assert found.finals_lost == 0
        assert found.wer < 0.5


@pytest.fixture
def console(stack: LocalStack) -> Iterator[str]:
    files = stack.cloud.folder
    signals = FileSignals(lambda: files.glob("endpoints/*/metrics.jsonl"))
    app = Console(transport(stack), Library(CALLS), signals, stack.endpoint_name).app()
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(console: str) -> Iterator[Page]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        opened = browser.new_page()
        opened.set_default_timeout(120_000)
        opened.goto(console)
        opened.wait_for_selector("#call option", state="attached")
        yield opened
        browser.close()


# Counts the states of each caption, and notes those that came while the call was being played.
WATCH = """() => {
  window.states = {};
  new MutationObserver((records) => {
    for (const { target } of records) {
      const said = target.closest?.("article");
      if (!said || said.classList.contains("final")) continue;
      const isPlaying = !document.getElementById("audio").ended;
      if (isPlaying && target.tagName === "P") {
        window.states[said.dataset.result] = (window.states[said.dataset.result] ?? 0) + 1;
      }
    }
  }).observe(document.getElementById("captions"), { childList: true, subtree: true });
}"""


def captions(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.eval_on_selector_all(
        "#captions article.final",
        """(all) => all.map((one) => ({
            id: one.dataset.result, start: Number(one.dataset.start),
            channel: one.classList.contains("customer") ? 1 : 0,
            text: one.querySelector("p").textContent,
            confidence: one.querySelector(".word").title,
        }))""",
    )
    return found


def test_a_call_is_watched_in_a_browser(page: Page) -> None:
    reference = read_reference(CALL.with_suffix(".json"))
    page.select_option("#call", f"sample-{CALL.stem}")
    page.evaluate(WATCH)
    page.click("#play")
    page.wait_for_selector("#downloads:not([hidden])")

    heard = captions(page)
    texts = {n: " ".join(one["text"] for one in heard if one["channel"] == n) for n in (0, 1)}
    assert errors(reference, texts).rate <= MAX_WORD_ERROR_RATE
    assert all(re.match(r"confidence [01]\.\d\d, \d\d:", one["confidence"]) for one in heard)

    states = page.evaluate("window.states")
    long = [said for said in reference.utterances if said.end - said.start >= LONG_S]
    assert long
    for said in long:
        same = [one for one in heard if one["channel"] == said.channel]
        nearest = min(same, key=lambda one: abs(one["start"] - said.start))
        assert states.get(nearest["id"], 0) >= 3, said

    with page.expect_download() as started:
        page.click("#downloads a[data-as=vtt]")
    assert started.value.path().read_text().startswith("WEBVTT")

    page.evaluate("document.getElementById('audio').currentTime = 2.0")
    page.wait_for_selector(".word.now")


def test_a_broken_upload_is_said_in_a_sentence(page: Page) -> None:
    broken = {"name": "broken.wav", "mimeType": "audio/wav", "buffer": b"no audio"}
    page.set_input_files("#file", files=[broken])
    page.wait_for_selector("#error:not([hidden])")
    assert page.inner_text("#error").startswith("broken.wav is not a WAV file")


def test_an_upload_is_chosen_and_keys_play_and_stop_it(page: Page) -> None:
    page.set_input_files("#file", files=[str(CALL)])
    page.wait_for_function("document.getElementById('call').value.startsWith('upload-')")
    page.focus("body")
    page.keyboard.press("Space")
    page.wait_for_function("document.getElementById('play').textContent === 'Stop'")
    page.keyboard.press("Space")
    page.wait_for_function("document.getElementById('play').textContent === 'Play'")
    assert page.is_hidden("#error")
