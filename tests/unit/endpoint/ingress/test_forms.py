# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests of every form through the request handler, with an engine that knows what to say."""

import asyncio
import json
import threading
from typing import Any

import numpy as np
import pytest
from urllib3.filepost import encode_multipart_formdata

from tests.unit.endpoint.helpers import CLIP, clip_samples, silence, wav
from tests.unit.endpoint.http_requests import http_request
from whisper_contract import transcription_pb2 as pb
from whisper_contract.transcript import Segment, Transcript
from whisper_endpoint import errors
from whisper_endpoint.audio import sources
from whisper_endpoint.ingress.handler import HttpRequest, HttpResponse, RequestHandler
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings

FACTS = ModelInfo(80, ("en", "es"), multilingual=True)


class Knowing:
    """Says how many windows it was given, and remembers what it was asked."""

    def __init__(self, refuses: bool = False) -> None:
        self.asked: list[tuple[Prepared, Parameters]] = []
        self.cancelled = 0
        self._refuses = refuses

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        self.asked.append((recording, parameters))
        if self._refuses:
            if len(self.asked) == 1:
                raise errors.Overloaded("The queue is full: try again later.")
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if not recording.windows:
            return Transcript(parameters.language or "", ())
        heard = recording.windows[0].window.spans
        segment = Segment(
            id=1,
            seek=0,
            start=heard[0].start / 16_000,
            end=heard[-1].end / 16_000,
            text=f" {len(recording.windows)} window",
            tokens=(1,),
            temperature=0.0,
            avg_logprob=-0.1,
            compression_ratio=1.0,
            no_speech_prob=0.0,
        )
        return Transcript(parameters.language or "en", (segment,))


def ask(one: HttpRequest, engine: Knowing | None = None, **settings: Any) -> HttpResponse:
    handler = RequestHandler(EndpointSettings(**settings), FACTS, engine or Knowing())
    return asyncio.run(handler.answer(one))


def with_attributes(attributes: str, **changed: str) -> HttpRequest:
    given = {"content_type": "audio/wav", "attributes": attributes} | changed
    return http_request(CLIP, **given)


def form(path: str, *fields: tuple[str, str]) -> HttpRequest:
    body, content_type = encode_multipart_formdata([*fields, ("file", ("a.wav", CLIP))])
    return http_request(body, content_type=content_type, path=path)


def test_a_body_of_audio_with_attributes() -> None:
    engine = Knowing()
    answer = ask(with_attributes("language=es;response_format=text"), engine)
    assert (answer.status, answer.body) == (200, b"1 window\n")
    assert engine.asked[0][1].language == "es"


def test_openai_paths() -> None:
    engine = Knowing()
    answer = ask(form("/v1/audio/transcriptions", ("model", "whisper-1")), engine)
    assert json.loads(answer.body) == {"text": "1 window"}
    ask(form("/v1/audio/translations"), engine)
    assert [asked.task for _, asked in engine.asked] == ["transcribe", "translate"]
    refused = ask(form("/v1/audio/speech"))
    assert refused.status == 404
    assert json.loads(refused.body)["error"]["code"] == "NotFound"
    assert json.loads(ask(form("/speech")).body)["code"] == "NotFound"
    refused = ask(form("/v1/audio/transcriptions", ("prompt", "x" * 5_000)))
    assert json.loads(refused.body)["error"]["param"] == "prompt"
    assert ask(with_attributes("", path="/v1/audio/transcriptions")).status == 415


def test_protobuf() -> None:
    message = pb.TranscribeRequest(audio=bytes(8_000), encoding=pb.AUDIO_ENCODING_PCM16)
    message.sample_rate = 8_000
    message.parameters.vad_filter = False
    one = http_request(message.SerializeToString(), content_type="application/x-protobuf")
    answer = pb.TranscribeResponse.FromString(ask(one).body)
    assert answer.text == "1 window"
    assert answer.duration == pytest.approx(0.5, abs=0.01)


def test_silence_is_answered_with_no_text() -> None:
    for samples in (silence(0), silence(0.01), silence(2)):
        one = http_request(wav(samples), content_type="audio/wav")
        assert json.loads(ask(one).body)["text"] == ""


def stereo() -> bytes:
    late = np.concatenate([silence(3.5), clip_samples()])
    early = np.concatenate([clip_samples(), silence(3.5)])
    return wav(np.stack([late, early], axis=1), channels=2)


def test_each_channel_is_a_recording_of_its_own() -> None:
    engine = Knowing()
    attributes = "channel_identification=true;partial=true;call_id=c;utterance_id=u"
    one = http_request(stereo(), content_type="audio/wav", attributes=attributes)
    body = json.loads(ask(one, engine).body)
    assert [segment["channel"] for segment in body["segments"]] == [1, 0]
    scopes = {recording.utterance.scope for recording, _ in engine.asked if recording.utterance}
    assert scopes == {("c", "0"), ("c", "1")}


def test_when_one_channel_is_refused_the_others_are_cancelled() -> None:
    engine = Knowing(refuses=True)
    one = http_request(stereo(), content_type="audio/wav", attributes="channel_identification=true")
    answer = ask(one, engine)
    assert (answer.status, json.loads(answer.body)["code"]) == (503, "Overloaded")
    assert len(engine.asked) == 1 or engine.cancelled == 1


def test_who_waits_for_a_network_has_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def fetch(*_: Any) -> bytes:
        threads.append(threading.current_thread().name)
        return CLIP

    monkeypatch.setattr(sources, "fetch", fetch)
    assert ask(http_request(b'{"url": "https://example.com/a.wav"}')).status == 200
    assert ask(http_request(b'{"s3_uri": "s3://bucket/a.wav"}')).status == 200
    assert [name.rpartition("_")[0] for name in threads] == ["whisper-web", "whisper-s3"]


@pytest.mark.parametrize(
    ("attributes", "settings", "status", "code"),
    [
        ("beam=1", {}, 400, "UnknownParameter"),
        ("language=fr", {}, 400, "UnsupportedLanguage"),
        ("", {"max_audio_s": 1.0}, 413, "AudioTooLong"),
        ("", {"max_body_bytes": 1024}, 413, "BodyTooLarge"),
    ],
)
def test_refusals(attributes: str, settings: dict[str, Any], status: int, code: str) -> None:
    one = http_request(
        wav(clip_samples(), rate=8_000), content_type="audio/wav", attributes=attributes
    )
    answer = ask(one, **settings)
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code)


def test_fewer_samples_per_second_than_any_line_has() -> None:
    answer = ask(http_request(wav(clip_samples(), rate=3_000), content_type="audio/wav"))
    assert (answer.status, json.loads(answer.body)["code"]) == (422, "UnsupportedSampleRate")


def test_more_channels_than_the_deployment_takes() -> None:
    answer = ask(http_request(stereo(), content_type="audio/wav"), max_channels=1)
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "TooManyChannels")
