# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a transcript lacks is said in the answer."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import whisper_contract
from tests.schemas import validate
from tests.unit.endpoint.helpers import CLIP, clip_samples, silence, wav
from tests.unit.endpoint.http_requests import http_request
from tests.unit.endpoint.media import encoded
from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.features import Features
from whisper_endpoint.ingress import lost_speech, preparation
from whisper_endpoint.ingress.handler import RequestHandler
from whisper_endpoint.ingress.preparation import Recording
from whisper_endpoint.messages import Parameters, Span, Window
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Segment, Transcript, merge_channels

FACTS = ModelInfo(80, ("en",), multilingual=False)


def segment(start: float, end: float, text: str = " Hello.", *, is_cut: bool = False) -> Segment:
    return Segment(
        seek=0,
        start=start,
        end=end,
        text=text,
        tokens=(),
        temperature=0.0,
        avg_logprob=0.0,
        compression_ratio=1.0,
        no_speech_prob=0.0,
        is_cut=is_cut,
    )


def recording(*seconds: tuple[float, float], is_speech: bool = True) -> Recording:
    spans = [Span(round(a * 16_000), round(b * 16_000)) for a, b in seconds]
    windows = tuple(Window((span,)) for span in spans)
    samples = np.zeros(60 * 16_000, np.float32)
    return Recording(samples, windows, Features(80), 60.0, None, is_speech=is_speech)


HEARD = recording((0, 4), (10, 14), (20, 23), (30, 30.8))


def test_speech_without_a_text_is_said() -> None:
    said = Transcript("en", (segment(0.4, 3.5), segment(20, 22, "  ")))
    (warning,) = lost_speech.warnings(HEARD, said)
    assert warning.startswith(
        "In 7.0 s, the first at 10.0 s, speech was detected but no text was found"
    )
    (of_channel,) = lost_speech.warnings(HEARD, said, 1)
    assert of_channel.startswith("In 7.0 s of channel 1, the first at 10.0 s")


def test_speech_next_to_a_text_is_said() -> None:
    clip = clip_samples().astype(np.float32) / 32768
    samples = np.concatenate([clip, clip])
    edge, end = len(clip) / 16_000, len(samples) / 16_000
    heard = replace(recording((0, end)), samples=samples)
    (warning,) = lost_speech.warnings(heard, Transcript("en", (segment(0.1, edge),)))
    assert warning.startswith(
        "In 2.7 s, the first at 2.7 s, speech was detected but no text was found"
    )
    assert (
        lost_speech.warnings(heard, Transcript("en", (segment(0.1, edge), segment(edge, end))))
        == ()
    )


def test_a_cut_repetition_is_said_once() -> None:
    parts = [segment(start, start + 3, is_cut=start > 1) for start in (0.5, 10, 20)]
    heard = recording((0, 23), is_speech=False)
    (warning,) = lost_speech.warnings(heard, Transcript("en", tuple(parts)), 0)
    assert warning.startswith("From 10.0 s of channel 0 on, the text repeated itself and was cut")


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (HEARD, Transcript("en", (segment(0.1, 3), segment(9, 11), segment(22.9, 24)))),
        (HEARD, Transcript("en", (), is_superseded=True)),
        (recording((0, 60), is_speech=False), Transcript("en", ())),
        (recording((1, 1.9)), Transcript("en", ())),
        (recording(), Transcript("", ())),
    ],
)
def test_nothing_to_say(heard: Recording, said: Transcript) -> None:
    assert lost_speech.warnings(heard, said) == ()


def test_channels_of_one_file_say_the_same_once() -> None:
    channels = [
        Transcript("en", (), warnings=("a", "b")),
        Transcript("en", (), warnings=("a", "c")),
    ]
    assert merge_channels(channels).warnings == ("a", "b", "c")


class Mute:
    """An engine that finds no text."""

    async def transcribe(self, *_: Any) -> Transcript:
        return Transcript("en", ())


def answer(data: bytes, attributes: str = "") -> dict[str, Any]:
    handler = RequestHandler(EndpointSettings(), FACTS, Mute())
    one = http_request(data, content_type="audio/x", attributes=attributes)
    body: dict[str, Any] = json.loads(asyncio.run(handler.answer(one)).body)
    return body


def test_an_answer_says_what_its_audio_lacks() -> None:
    data = encoded(clip_samples(), "matroska", "flac", starts=[(24_000, 20.0)])
    body = answer(data)
    validate(body, whisper_contract.response_schema())
    missing, without_text = body["warnings"]
    assert missing.startswith("20.0 s of the audio, the first at 1.")
    assert without_text.startswith("In ")
    for form in ("json", "verbose_json", "transcribe", "chunks"):
        assert answer(data, f"response_format={form}")["warnings"] == body["warnings"]
    assert "warnings" not in answer(wav(silence(3)))


def test_a_hole_of_minutes_is_decoded_as_a_file() -> None:
    data = encoded(clip_samples(), "matroska", "flac", starts=[(24_000, 300.0)])
    body = answer(data, "response_format=verbose_json")
    assert body["duration"] == pytest.approx(300 + len(clip_samples()) / 16_000, abs=0.1)
    assert body["warnings"][0].startswith("300.0 s")


def test_channels_say_which_of_them() -> None:
    both = wav(
        np.stack([silence(3)[: len(clip_samples())], clip_samples()[:48_000]], axis=1), channels=2
    )
    warnings = answer(both, "channel_identification=true")["warnings"]
    assert [warning.split(",")[0].endswith("of channel 1") for warning in warnings] == [True]
    assert answer(CLIP, "vad_filter=false").get("warnings") is None


def test_an_echo_of_the_other_channel_is_left_out_and_said() -> None:
    clip = clip_samples()
    said = np.concatenate([clip, clip[::-1], clip])
    both = wav(np.stack([said, said // 20], axis=1), channels=2)
    of_text, echo = sorted(answer(both, "channel_identification=true")["warnings"], reverse=True)
    assert "s of channel 0, the first at " in of_text
    assert "s of channel 1, the first at 0.2 s, only the echo of channel 0 was heard" in echo
    assert echo.endswith("send vad_filter=false to transcribe it too.")
    assert "warnings" not in answer(both, "channel_identification=true;vad_filter=false")
    mixed = answer(both, "")["warnings"]
    assert [one for one in mixed if "echo" in one] == []


@pytest.mark.parametrize("vad_filter", ["true", "false"])
def test_equal_channels_are_said(vad_filter: str) -> None:
    both = wav(np.repeat(clip_samples()[:, None], 2, axis=1), channels=2)
    body = answer(both, f"channel_identification=true;vad_filter={vad_filter}")
    (equal,) = (one for one in body["warnings"] if "have the same sound" in one)
    assert equal.startswith("Channels 0 and 1 have the same sound, so that everything said")
    assert equal.endswith("twice: send channel_identification=false to have it once.")
    assert all("same sound" not in one for one in answer(both).get("warnings", []))


@pytest.mark.parametrize(
    ("clips", "is_said"),
    [((0, 2.4), False), ((0, 2), False), ((1,), False), ((0, 1, 2, 2.6), True), ((30, 40), True)],
)
def test_clips_beyond_the_end_are_said(clips: tuple[float, ...], *, is_said: bool) -> None:
    audio = Audio(np.zeros(32_000, np.float32), ("Before.",))
    found = preparation.record(audio, Features(80), Parameters(clip_timestamps=clips))
    beyond = f"clip_timestamps has {clips[-1]:g} s, but the audio ends at 2.0 s: anything after"
    assert found.warnings[0] == "Before."
    assert [one.startswith(beyond) for one in found.warnings[1:]] == [True] * is_said
