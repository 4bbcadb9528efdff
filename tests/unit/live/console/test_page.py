# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The console's page in a browser, before an endpoint that answers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from live_whisper.transport import whole_files
from tests.browser import MICROPHONE, WATCH, captions, opened, serving, until
from tests.unit.live.console.conftest import FileReader, console, encoded
from tests.unit.live.spoken import RATE, Loudness, Reader, line, stereo
from whisper_stream.audio.samples import wav_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import FilePayload, Page

    from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse

pytestmark = [pytest.mark.slow, pytest.mark.realtime]

CALL = stereo(line([(0.3, 10), (1.2, 2)]), line([(4.6, 2)], 5000))
ENDED = (
    "!document.querySelector('#calls .busy') && "
    "document.getElementById('play').textContent === 'Play live'"
)
BAD_TEXT = ' <img src="/none" onerror="window.hacked=1"> & <b>bold</b>'


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def files() -> FileReader:
    return FileReader()


@pytest.fixture(scope="module")
def address(
    reader: Reader, files: FileReader, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("calls")
    (folder / "one-call.wav").write_bytes(wav_bytes(CALL, RATE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whisper_stream.audio.utterances.webrtcvad.Vad", Loudness)
        with serving(console(folder, reader, files)) as url:
            yield url


@pytest.fixture(scope="module")
def window(address: str) -> Iterator[Page]:
    size = {"width": 380, "height": 800}
    with opened(address, MICROPHONE, viewport=size, color_scheme="dark") as found:
        yield found


@pytest.fixture
def page(window: Page, address: str) -> Page:
    window.goto(address)
    window.wait_for_selector("#language option[value=de]", state="attached")
    window.click("#calls li[title='one-call.wav'] button")
    return window


def payload(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "", "buffer": data}


def row(page: Page, name: str) -> str:
    return page.inner_text(f"#calls li[title='{name}'] .doing")


def said(page: Page) -> list[str]:
    return [one["text"] for one in captions(page)]


def test_captions_grow_while_a_call_is_played_and_can_be_kept(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    failures: list[str] = []
    page.on("pageerror", lambda failure: failures.append(str(failure)))
    page.evaluate(WATCH)
    page.click("#play")
    page.wait_for_selector(".word.stable")
    assert row(page, "one-call.wav").startswith("live")
    until(page, ENDED)
    heard = captions(page)
    assert [(one["channel"], one["text"]) for one in heard] == [
        (0, " ".join(f"w{number}" for number in range(10))),
        (1, "w5000 w5001"),
        (0, "w10 w11"),
    ]
    assert heard[0]["label"] == "Agent"
    assert heard[1]["label"] == "Customer"
    assert all(one["confidence"].startswith("confidence 0.90, 00:0") for one in heard)
    assert page.evaluate("window.states")[heard[0]["id"]] >= 3
    assert "median final" in page.inner_text("#latency")
    assert "batches of 2, 2 at most" in page.inner_text("#load")
    assert "3, 0 lost" in page.inner_text("#facts")

    for kind, begins in (("txt", "ch_0: w0"), ("srt", "1\n"), ("vtt", "WEBVTT"), ("json", "{")):
        with page.expect_download() as started:
            page.click(f"#downloads a[data-as={kind}]")
        assert started.value.path().read_text().startswith(begins)

    page.click("#raw summary")
    until(
        page,
        """document.getElementById('json').textContent.includes(
        '"Transcript": "w5000 w5001"')""",
    )
    page.click("text=w5001")
    until(page, "document.querySelector('.word.now')?.textContent === 'w5001'")
    # The same by keyboard: to the word before it, and there.
    page.focus(".word:text-is('w5001')")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.textContent") == "w5000"
    page.keyboard.press("Enter")
    until(page, "document.querySelector('.word.now')?.textContent === 'w5000'")
    page.focus("#captions")
    page.keyboard.press("ArrowLeft")
    until(page, "document.getElementById('audio').currentTime < 1")
    assert failures == []
    assert all(url.startswith((address, "blob:")) for url in asked)
    assert_fits(page)


def assert_fits(page: Page) -> None:
    """Assert that a phone shows all of it without scrolling sideways, in both schemes."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 24)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(247, 247, 245)"


def test_any_file_is_transcribed_with_its_channels_and_what_was_there_is_gone(
    page: Page, files: FileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 44.1 kHz is larger than may be sent: it goes at 16 kHz.
    monkeypatch.setattr(whole_files, "MOST_BYTES", 150_000)
    page.reload()
    page.wait_for_selector("#language option[value=de]", state="attached")
    wide = stereo(line([(0.3, 6)]), line([(1.0, 2)], 5000))
    files.asked.clear()
    page.set_input_files(
        "#file",
        files=[
            payload("two.mp3", encoded(wide, RATE, form="mp3", codec="libmp3lame")),
            payload("one.m4a", encoded(wide[:, :1], RATE, form="mp4", codec="aac")),
        ],
    )
    until(page, "document.querySelectorAll('#calls .done').length === 2")
    until(page, "document.querySelectorAll('#waves canvas').length === 2")
    assert [one["label"] for one in captions(page)] == ["Channel 1", "Channel 2"]
    assert page.locator(".word.unsure").count() == 2
    assert row(page, "one.m4a").endswith("transcribed")
    assert sorted("channel_identification" in asked for asked in files.asked) == [False, True]

    page.click("#calls li[title='one.m4a'] button")
    until(page, "document.querySelectorAll('#waves canvas').length === 1")
    assert [one["label"] for one in captions(page)] == [""]
    page.evaluate("document.getElementById('options').open = true")
    page.select_option("#speakers", "voices")
    page.click("#transcribe")
    until(page, "document.querySelectorAll('.said').length === 2")
    assert [(one["label"], one["text"]) for one in captions(page)] == [
        ("Speaker 1", "length 3.8"),
        ("Speaker 2", "s."),
    ]
    page.select_option("#speakers", "")

    rate = 44_100
    for name, data in (
        ("wide.wav", wav_bytes(wide, rate)),
        ("film.mp4", encoded(wide, RATE, form="mp4", codec="aac", is_video=True)),
    ):
        assert len(said(page)) > 0
        files.may_answer.clear()
        page.set_input_files("#file", files=payload(name, data))
        until(page, f"document.getElementById('title').textContent === '{name}'")
        until(page, "document.querySelectorAll('#waves canvas').length === 2")
        assert said(page) == []
        files.may_answer.set()
        until(page, f"document.querySelector(\"#calls li[title='{name}'].done\")")
        assert len(said(page)) == 2
    assert page.inner_text("#title") == "film.mp4"
    page.click("#calls li[title='wide.wav'] button")
    assert "WAV at 16 kHz, 0." in page.inner_text("#facts")


def test_what_holds_no_sound_is_refused_in_a_sentence(page: Page) -> None:
    for name, data, sentence in (
        ("empty.wav", b"", "empty.wav is empty (0 bytes); choose a file with a recording."),
        ("paper.pdf", b"%PDF-1.4\n", "The body is no audio; send a recording."),
    ):
        page.set_input_files("#file", files=payload(name, data))
        until(page, f"document.querySelector(\"#calls li[title='{name}'].failed\")")
        assert page.inner_text("#error") == sentence
        assert said(page) == []


def test_two_calls_are_live_at_once_and_each_keeps_its_captions(page: Page) -> None:
    call = wav_bytes(stereo(line([(0.3, 8)], 100), line([])), RATE)
    page.set_input_files("#file", files=payload("my.wav", call))
    until(page, "document.querySelector(\"#calls li[title='my.wav'].done\")")
    page.click("#calls li[title='one-call.wav'] button")
    page.click("#play")
    page.click("#calls li[title='my.wav'] button")
    page.focus("#captions")
    page.click("#play")
    until(page, "document.querySelectorAll('#calls .busy').length === 2")
    until(page, ENDED)
    assert said(page) == [" ".join(f"w{number}" for number in range(100, 108))]
    page.click("#calls li[title='one-call.wav'] button")
    assert said(page)[1:] == ["w5000 w5001", "w10 w11"]


def test_a_key_stops_a_call_where_it_is(page: Page) -> None:
    page.focus("#captions")
    page.keyboard.press("Space")
    page.wait_for_selector(".word")
    page.keyboard.press("Space")
    until(page, ENDED)
    assert said(page)[0].startswith("w0 w1")
    assert "w11" not in " ".join(said(page)), "it was stopped before its end"


def test_names_and_words_with_markup_are_text(
    page: Page, files: FileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "said", BAD_TEXT)
    name = "<img src=x onerror=window.hacked=1>.wav"
    page.set_input_files("#file", files=payload(name, wav_bytes(CALL, RATE)))
    until(page, "document.querySelectorAll('.said').length === 2")
    assert page.inner_text("#title") == name
    assert said(page)[0].startswith(BAD_TEXT.strip())
    page.click("#code summary")
    until(page, "document.getElementById('curl').textContent.includes('onerror')")
    page.click("#raw summary")
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main .said b b").count() == 0


def test_an_utterance_that_is_lost_is_shown(page: Page, reader: Reader, monkeypatch) -> None:
    monkeypatch.setattr(
        "live_whisper.transport.retry.RequestRetrier._wait",
        lambda _self, _attempts, _give_up: False,
    )
    monkeypatch.setattr(reader, "fails", lambda ask: not ask.is_partial and ask.channel == 1)
    page.click("#play")
    until(page, ENDED)
    assert page.locator(".said.lost p").all_inner_texts() == [
        "No transcript: The endpoint is away."
    ], page.inner_text("main")
    assert "1 lost" in page.inner_text("#facts")


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
  Object.assign(window, { asked: 0, grants: [] });
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    window.asked += 1;
    const stream = await ask(wanted);
    window.stream = stream;
    await new Promise((grant) => window.grants.push(grant));
    return stream;
  };
}"""
RELEASED = "window.stream.getTracks().every((one) => one.readyState === 'ended')"


def test_the_microphone_is_asked_for_once_transcribed_and_can_be_heard_again(
    page: Page, tmp_path: Path
) -> None:
    with serving(console(tmp_path, Attentive())) as url:
        page.goto(url)
        page.wait_for_selector("#language option[value=de]", state="attached")
        page.evaluate(HESITATE)
        page.click("#speak")
        until(page, "window.grants.length > 0")
        page.click("#speak")
        page.evaluate("window.grants.forEach((grant) => grant())")
        page.wait_for_selector(".word")
        assert page.evaluate("window.asked") == 1
        page.click("#play")
        until(page, ENDED)
        until(page, RELEASED)
        assert captions(page)[0]["text"].startswith("w7")
        assert captions(page)[0]["label"] == "Speaker"
        until(page, "document.getElementById('audio').duration > 0.5")
        assert page.is_visible("#audio")
        # What was spoken is a recording like any other.
        page.click("#transcribe")
        until(page, "document.querySelector('#calls .done') && document.querySelector('.said')")
        assert said(page)[0].startswith("length")
