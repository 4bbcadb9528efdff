# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The console's page in a browser, before an endpoint that answers at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from live_whisper.console.library import Library
from live_whisper.console.server import Console
from tests.browser import MICROPHONE, WATCH, captions, opened, serving, until
from tests.unit.live.spoken import RATE, Loudness, Reader, line, stereo
from whisper_stream.audio.samples import wav_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import FilePayload, Page

    from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse

pytestmark = [pytest.mark.slow, pytest.mark.realtime]


class Busy:
    def readings(self) -> list[dict[str, Any]]:
        rows = [(1000.0, 0, 0), (1001.0, 6, 4), (1002.0, 4, 2)]
        return [
            {"time": at, "requests": asked, "batches": size, "batch_mean": size, "batch_max": size}
            for at, asked, size in rows
        ]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def address(reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("calls")
    samples = stereo(line([(0.3, 10), (1.2, 2)]), line([(4.6, 2)], 5000))
    (folder / "one-call.wav").write_bytes(wav_bytes(samples, RATE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whisper_stream.audio.utterances.webrtcvad.Vad", Loudness)
        with serving(Console(reader, Library(folder), Busy(), "whisper").app()) as url:
            yield url


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    with opened(address, viewport={"width": 390, "height": 844}, color_scheme="dark") as found:
        yield found


def test_captions_grow_while_a_call_is_played_and_can_be_kept(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    failures: list[str] = []
    page.on("pageerror", lambda failure: failures.append(str(failure)))
    page.evaluate(WATCH)
    page.click("#play")
    page.wait_for_selector(".word.stable")
    page.wait_for_selector("#downloads:not([hidden])")
    heard = captions(page)
    assert [(one["channel"], one["text"]) for one in heard] == [
        (0, " ".join(f"w{number}" for number in range(10))),
        (1, "w5000 w5001"),
        (0, "w10 w11"),
    ]
    assert all(re.fullmatch(r"confidence 0\.90, \d\d:\d\d\.\d", o["confidence"]) for o in heard)
    assert page.evaluate("window.states")[heard[0]["id"]] >= 3
    assert "median final" in page.inner_text("#latency")
    assert "batches of 2 on average" in page.inner_text("#load")
    assert "3 utterances, 0 lost" in page.inner_text("#counts")

    for kind, begins in (("txt", "ch_0: w0"), ("srt", "1\n"), ("vtt", "WEBVTT"), ("json", "{")):
        with page.expect_download() as started:
            page.click(f"#downloads a[data-as={kind}]")
        assert started.value.path().read_text().startswith(begins)

    page.click("text=w5001")
    page.wait_for_selector(".word.now")
    assert page.inner_text(".word.now") == "w5001"
    page.focus("#captions")
    page.keyboard.press("ArrowLeft")
    until(page, "document.getElementById('audio').currentTime < 1")
    assert failures == []
    assert all(url.startswith((address, "blob:")) for url in asked)


def test_a_phone_shows_all_of_it_without_scrolling_sideways(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 251, 250)"


def test_a_broken_upload_is_said_in_a_sentence(page: Page) -> None:
    broken: FilePayload = {"name": "broken.wav", "mimeType": "audio/wav", "buffer": b"no audio"}
    page.set_input_files("#file", files=broken)
    page.wait_for_selector("#error:not([hidden])")
    assert page.inner_text("#error").startswith("broken.wav is not a WAV file")


def test_an_upload_is_chosen_and_keys_play_and_stop_it(page: Page) -> None:
    call = wav_bytes(stereo(line([(0.3, 60)]), line([])), RATE)
    upload: FilePayload = {"name": "my.wav", "mimeType": "", "buffer": call}
    page.set_input_files("#file", files=upload)
    until(page, "document.getElementById('call').value.startsWith('upload-')")
    page.focus("#captions")
    page.keyboard.press("Space")
    until(page, "document.getElementById('play').textContent === 'Stop'")
    page.wait_for_selector(".word")
    page.keyboard.press("Space")
    page.wait_for_selector("#downloads:not([hidden])")
    until(page, "document.getElementById('play').textContent === 'Play'")
    (said,) = captions(page)
    assert said["text"].startswith("w0 w1")
    assert "w59" not in said["text"], "it was stopped long before its end"


def test_an_utterance_that_is_lost_is_shown(page: Page, reader: Reader, monkeypatch) -> None:
    monkeypatch.setattr(
        "live_whisper.transport.retry.RequestRetrier._wait",
        lambda _self, _attempts, _give_up: False,
    )
    monkeypatch.setattr(reader, "fails", lambda ask: not ask.is_partial and ask.channel == 1)
    page.select_option("#call", "sample-one-call")
    page.click("#play")
    page.wait_for_selector("#downloads:not([hidden])")
    assert page.inner_text(".said.lost p") == "No transcript: The endpoint is away."
    assert "1 lost" in page.inner_text("#counts")


class Attentive(Reader):
    """Takes whatever comes for a word; a browser's test microphone beeps."""

    def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        ask.audio[:4800] = 1007
        ask.audio[4800:6400] = 500
        ask.audio[6400:] = 0
        return super().transcribe(ask, seconds)


# The browser gives the microphone away when the test says so.
HESITATE = """() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  Object.assign(window, { asked: 0, grants: [], streams: [] });
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    window.asked += 1;
    const stream = await ask(wanted);
    window.streams.push(stream);
    await new Promise((grant) => window.grants.push(grant));
    return stream;
  };
}"""
RELEASED = "window.streams.every((s) => s.getTracks().every((t) => t.readyState === 'ended'))"


def test_a_call_begun_while_the_browser_asks_for_the_microphone_is_the_only_one(
    tmp_path: Path,
) -> None:
    samples = stereo(line([(0.3, 5)]), line([]))
    (tmp_path / "one.wav").write_bytes(wav_bytes(samples, RATE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whisper_stream.audio.utterances.webrtcvad.Vad", Loudness)
        app = Console(Reader(), Library(tmp_path), Busy(), "whisper").app()
        with serving(app) as url, opened(url, MICROPHONE) as page:
            calls: list[str] = []
            page.on("websocket", lambda socket: calls.append(socket.url))
            page.evaluate(HESITATE)
            page.click("#speak")
            until(page, "window.grants.length > 0")
            page.click("#speak")
            page.click("#play")
            page.wait_for_selector(".word")
            page.evaluate("window.grants.forEach((grant) => grant())")
            until(page, RELEASED)
            page.wait_for_selector("#downloads:not([hidden])")
            until(page, "document.getElementById('play').textContent === 'Play'")
            assert page.evaluate("window.asked") == 1
            assert len(calls) == 1
            assert [one["text"] for one in captions(page)] == ["w0 w1 w2 w3 w4"]


def test_the_microphone_is_transcribed_and_can_be_heard_again(tmp_path: Path) -> None:
    (tmp_path / "one.wav").write_bytes(wav_bytes(stereo(line([]), line([])), RATE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whisper_stream.audio.utterances.webrtcvad.Vad", Loudness)
        app = Console(Attentive(), Library(tmp_path), Busy(), "whisper").app()
        with serving(app) as url, opened(url, MICROPHONE) as page:
            page.click("#speak")
            page.wait_for_selector(".word")
            page.click("#play")
            page.wait_for_selector("#downloads:not([hidden])")
            assert captions(page)[0]["text"].startswith("w7")
            until(page, "document.getElementById('audio').duration > 0.5")
            assert page.is_visible("#audio")
