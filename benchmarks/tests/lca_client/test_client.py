# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import io
import json
import wave
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.lca_client.client import LcaClient, read_answer, request_body, wav_file
from benchmarks.lca_client.clock import AudioClock
from live_whisper.audio.call_file import Call
from live_whisper.audio.playback import WallClock
from live_whisper.errors import EndpointUnusable, InvocationFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.lca_client.client import UtteranceResult
    from whisper_stream.audio.samples import Samples

HEARD = b'{"text":"hello"}'


def on_line(left: list[tuple[float, Samples]], right: list[tuple[float, Samples]]) -> Call:
    """Place speech on both channels of a silent 8 kHz line of ten seconds."""
    samples = np.zeros((80_000, 2), np.int16)
    for channel, clips in enumerate((left, right)):
        for start, clip in clips:
            at = round(start * 8000)
            samples[at : at + len(clip), channel] = clip
    return Call(8000, samples)


def timed(
    call: Call, answer: Callable[[], bytes] = lambda: HEARD, partials: bool = True
) -> list[tuple[float, UtteranceResult]]:
    """Play a call and return (audio time, result) of each request."""
    clock = AudioClock()
    times: list[float] = []

    def invoke(body: bytes) -> bytes:
        times.append(clock.now())
        return answer()

    results = list(LcaClient(invoke, clock=clock, partials=partials).transcribe(call))
    return list(zip(times, results, strict=True))


# --- what is sent


def test_the_header_is_44_bytes_of_16_khz_mono_and_samples_are_written_twice() -> None:
    assert wav_file(np.array([1, -2], np.int16), 8000) == (
        b"RIFF\x2c\x00\x00\x00WAVE"
        b"fmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00"
        b"data\x08\x00\x00\x00"
        b"\x01\x00\x01\x00\xfe\xff\xfe\xff"
    )


def test_audio_at_16_khz_is_sent_as_it_is() -> None:
    with wave.open(io.BytesIO(wav_file(np.array([5, 6, 7], np.int16), 16000))) as file:
        assert file.getparams()[:4] == (1, 2, 16000, 3)
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [5, 6, 7]


def test_the_body_is_what_javascript_would_write() -> None:
    assert request_body(b"RIFF\x00\xff") == (
        b'{"audio_input":[82,73,70,70,0,255],"parameters":{"language":"en","task":"transcribe",'
        b'"temperature":0,"no_speech_threshold":0.2,"beam_size":5}}'
    )


def test_a_second_of_speech_is_about_114_kb() -> None:
    tone = (8000 * np.sin(np.arange(8000) / 7)).astype(np.int16)
    assert 108_000 < len(request_body(wav_file(tone, 8000))) < 120_000


# --- what is read


@pytest.mark.parametrize(
    ("answer", "text", "error"),
    [
        ({"text": " hello there "}, "hello there", None),
        ({"text": ["hello", "there "]}, "hello there", None),
        ({"text": ""}, "", None),
        ({"text": "hi", "no_speech_prob": 0.21}, "", None),
        ({"text": "hi", "no_speech_prob": 0.2}, "hi", None),
        ({"text": "hi", "error": "no"}, "", "no"),
        ({"text": "hi", "error": ""}, "hi", None),
        ({"error": "no", "no_speech_prob": 0.9}, "", "no"),
        ({"segments": []}, "Error with transcription", None),
        ({"no_speech_prob": 0.9}, "", None),
    ],
)
def test_the_answer_is_read_in_the_clients_order(
    answer: dict[str, object], text: str, error: str | None
) -> None:
    assert read_answer(json.dumps(answer).encode()) == (text, error)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff"])
def test_an_answer_that_is_no_json_object_is_a_failure(body: bytes) -> None:
    with pytest.raises(InvocationFailed, match="not a JSON object; check"):
        read_answer(body)


# --- when it is sent


def test_one_final_for_each_utterance_with_its_times_and_bytes(speech: Samples) -> None:
    call = on_line([(1.0, speech)], [(5.0, speech)])
    results = [result for _, result in timed(call, partials=False)]
    assert [(r.channel, r.is_partial, r.text, r.error) for r in results] == [
        (0, False, "hello", None),
        (1, False, "hello", None),
    ]
    for result, spoken_at in zip(results, (1.0, 5.0), strict=True):
        assert abs(result.start - spoken_at) <= 0.1
        assert abs(result.end - (spoken_at + 2.27)) <= 0.4
        silent_tail = 9 * 480 / 8000
        seconds = result.end - result.start + silent_tail
        assert 2.5 < result.bytes_sent / (seconds * 32_000) < 4.0
        assert result.latency_s >= 0


def test_the_final_is_sent_600_ms_after_the_last_voice(speech: Samples) -> None:
    ((sent_at, final),) = timed(on_line([(1.0, speech)], []), partials=False)
    assert 0.6 <= sent_at - final.end <= 0.7  # one piece of 100 ms later at most


def test_a_final_ends_in_nine_silent_frames(speech: Samples) -> None:
    bodies: list[bytes] = []
    client = LcaClient(lambda body: bodies.append(body) or HEARD, partials=False)  # type: ignore[func-returns-value]
    list(client.transcribe(on_line([(1.0, speech)], [])))
    wav = bytes(json.loads(bodies[0])["audio_input"])
    tail = np.frombuffer(wav[44:], "<i2")[-9 * 960 :]
    assert not tail.any()


def test_partials_hold_the_whole_utterance_so_far(speech: Samples) -> None:
    bodies: list[bytes] = []
    client = LcaClient(lambda body: bodies.append(body) or HEARD)  # type: ignore[func-returns-value]
    results = list(client.transcribe(on_line([(1.0, speech)], [])))
    assert [r.is_partial for r in results] == [True, True, True, False]
    audio = [bytes(json.loads(body)["audio_input"])[44:] for body in bodies]
    for shorter, longer in pairwise(audio):
        assert longer.startswith(shorter)
    assert len({r.start for r in results}) == 1
    assert [r.end for r in results] == sorted(r.end for r in results)


def test_partials_are_a_second_apart_and_both_channels_share_the_timer(speech: Samples) -> None:
    call = on_line([(1.0, speech)], [(1.0, speech), (5.0, speech)])
    partials = [(at, r.channel) for at, r in timed(call) if r.is_partial]
    times = [at for at, _ in partials]
    assert min(np.diff(times)) >= 1.0 - 1e-9
    together = [channel for at, channel in partials if at < 4.5]
    assert together == [0, 0, 0]  # asked first each time, the first channel takes the turn
    alone = [channel for at, channel in partials if at > 5.0]
    assert len(alone) >= 2
    assert set(alone) == {1}


def test_no_partials_when_none_are_wanted(speech: Samples) -> None:
    assert [r.is_partial for _, r in timed(on_line([(1.0, speech)], []), partials=False)] == [False]


def test_nothing_is_sent_for_a_silent_call() -> None:
    assert timed(on_line([], [])) == []


def test_an_utterance_without_text_is_asked_for_again_until_the_next_voice(speech: Samples) -> None:
    call = on_line([(1.0, speech), (8.0, speech[:12000])], [])
    sent = timed(call, lambda: b'{"text":""}')
    final_at = next(at for at, r in sent if not r.is_partial)
    repeated = [r for at, r in sent if final_at < at < 8.0]
    assert len(repeated) >= 3
    assert all(r.is_partial and r.text == "" for r in repeated)


def test_an_utterance_with_text_is_not_asked_for_again(speech: Samples) -> None:
    sent = timed(on_line([(1.0, speech)], []))
    assert not sent[-1][1].is_partial


def test_what_is_said_until_the_line_is_cut_gets_its_final(speech: Samples) -> None:
    call = Call(8000, np.stack([speech[:16000], np.zeros(16000, np.int16)], axis=1))
    finals = [r for _, r in timed(call) if not r.is_partial]
    assert [r.channel for r in finals] == [0]
    assert finals[0].end <= call.seconds


def test_progress_is_told_and_never_runs_past_the_end(speech: Samples) -> None:
    heard: list[float] = []
    call = Call(8000, np.stack([speech[:16000]] * 2, axis=1))
    list(LcaClient(lambda _: HEARD, heard=heard.append).transcribe(call))
    assert heard[0] == pytest.approx(0.1)
    assert heard == sorted(heard)
    assert heard[-1] == call.seconds


# --- when it fails


def test_a_failed_request_is_empty_text_and_is_reported(speech: Samples) -> None:
    def refuse(_: bytes) -> bytes:
        raise InvocationFailed("HTTP 503 ServiceUnavailable: try later")

    call = on_line([(1.0, speech)], [(5.0, speech)])
    results = list(LcaClient(refuse, partials=False).transcribe(call))
    assert [(r.channel, r.text, r.error) for r in results] == [
        (0, "", "HTTP 503 ServiceUnavailable: try later"),
        (1, "", "HTTP 503 ServiceUnavailable: try later"),
    ]


def test_an_unusable_endpoint_ends_the_call(speech: Samples) -> None:
    def refuse(_: bytes) -> bytes:
        raise EndpointUnusable("There is no endpoint x.")

    with pytest.raises(EndpointUnusable):
        list(LcaClient(refuse).transcribe(on_line([(1.0, speech)], [])))


# --- in real time


class Time:
    """Time that only advances in sleep and in slow requests."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def test_real_time_waits_for_the_audio(speech: Samples) -> None:
    time = Time()
    client = LcaClient(lambda _: HEARD, clock=WallClock(time.monotonic, time.sleep))
    list(client.transcribe(on_line([(1.0, speech)], [])))
    assert time.slept == pytest.approx(10.0)


def test_in_real_time_slow_answers_hold_the_audio_up_and_partials_get_rarer(
    speech: Samples,
) -> None:
    time = Time()

    def slow(_: bytes) -> bytes:
        time.now += 2.0
        return HEARD

    call = on_line([(1.0, speech)], [(5.0, speech)])
    client = LcaClient(slow, clock=WallClock(time.monotonic, time.sleep))
    results = list(client.transcribe(call))
    assert time.slept < 10.0
    assert sum(r.is_partial for r in results) != sum(r.is_partial for _, r in timed(call))
    assert [r.channel for r in results if not r.is_partial] == [0, 1]
