# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whisper_contract
from benchmarks.bench import checks
from tests.unit.endpoint.helpers import CLIP, clip_samples
from whisper_contract import transcription_pb2 as pb
from whisper_endpoint import errors
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.audio.sources import InlineAudio, S3Audio
from whisper_endpoint.parsing import parse

PROTOBUF = "application/x-protobuf"
TEN = Limits(seconds=10)


def read(**fields: Any) -> Any:
    return parse(pb.TranscribeRequest(**fields).SerializeToString(), PROTOBUF)


def refusal(body: bytes | None = None, **fields: Any) -> errors.EndpointError:
    with pytest.raises(errors.EndpointError) as caught:
        read(**fields) if body is None else parse(body, PROTOBUF)
    return caught.value


def test_names_and_kinds_are_those_of_the_json_form() -> None:
    schema = whisper_contract.request_schema()
    fields = set(pb.TranscribeRequest.DESCRIPTOR.fields_by_name)
    of_audio = {"audio", "encoding", "sample_rate", "channels"}
    elsewhere = {"audio_input", "audio_data", "audio_file"}
    assert fields - of_audio == set(schema["properties"]) - elsewhere
    described = set(schema["$defs"]["parameters"]["properties"])
    assert described <= set(pb.Parameters.DESCRIPTOR.fields_by_name)


def test_one_request_in_two_forms() -> None:
    said: dict[str, Any] = {
        "language": "en",
        "temperature": [0.0, 0.5],
        "beam_size": 2,
        "initial_prompt": "Acme",
        "word_timestamps": True,
        "response_format": "srt",
        "timestamp_granularities": ["word"],
    }
    live = {"partial": False, "call_id": "c", "channel": 0, "sequence": 2**53 - 1, "deadline_ms": 9}
    place = {"progress_s3_uri": "s3://b/jobs/1.json"}
    one = read(
        audio=CLIP,
        parameters=pb.Parameters(
            **said, no_speech_threshold=pb.Threshold(), log_prob_threshold=pb.Threshold(value=-2)
        ),
        **live,
        **place,
    )
    parameters = {**said, "no_speech_threshold": None, "log_prob_threshold": -2.0}
    body = {"audio_input": list(CLIP), "parameters": parameters, **live, **place}
    other = parse(json.dumps(body).encode(), "application/json")
    assert (one.source, one.parameters, one.live) == (other.source, other.parameters, other.live)
    assert one.progress_s3_uri == other.progress_s3_uri == place["progress_s3_uri"]
    assert (one.output.dialect, one.output.response_format) == ("protobuf", "srt")


@given(
    st.sampled_from([("MULAW", "mulaw"), ("ALAW", "alaw")]),
    st.binary(min_size=1),
    st.integers(0, 200_000),
    st.integers(0, 9),
)
def test_telephone_audio_has_a_usual_rate(
    names: tuple[str, str], data: bytes, rate: int, channels: int
) -> None:
    encoding = pb.AudioEncoding.Value(f"AUDIO_ENCODING_{names[0]}")
    got = read(audio=data, encoding=encoding, sample_rate=rate, channels=channels).source
    assert got == InlineAudio(data, RawForm(names[1], rate or 8000, channels or 1))


def test_a_source_elsewhere() -> None:
    assert read(s3_uri="s3://bucket/a.wav").source == S3Audio("s3://bucket/a.wav")


@pytest.mark.parametrize(
    ("fields", "kind", "field", "words"),
    [
        ({}, errors.InvalidParameter, None, "no audio"),
        ({"audio": b""}, errors.InvalidParameter, "audio", "is empty"),
        ({"audio": b"a", "sample_rate": 1}, errors.InvalidParameter, "sample_rate", "leave it out"),
        ({"audio": b"a", "channels": 2}, errors.InvalidParameter, "channels", "leave it out"),
        ({"audio": b"a", "encoding": 1}, errors.InvalidParameter, "sample_rate", "is missing"),
        ({"audio": b"a", "encoding": 9}, errors.InvalidParameter, "encoding", "use 0 to 4"),
        (
            {"s3_uri": "s3://a/b", "encoding": 2},
            errors.InvalidParameter,
            "encoding",
            "sent in the request",
        ),
        (
            {"audio": b"a", "parameters": pb.Parameters(beam_size=0)},
            errors.InvalidParameter,
            "parameters.beam_size",
            "is 0: use a whole number from 1 to 10",
        ),
        (
            {"audio": b"a", "parameters": pb.Parameters(temperature=[0, float("nan")])},
            errors.InvalidParameter,
            "parameters.temperature",
            "finite",
        ),
        (
            {"audio": b"a", "parameters": pb.Parameters(log_prob_threshold={"value": -np.inf})},
            errors.InvalidParameter,
            "parameters.log_prob_threshold",
            "finite",
        ),
        ({"audio": b"a", "sequence": 2**53}, errors.InvalidParameter, "sequence", "from 0 to"),
    ],
)
def test_refusals(
    fields: dict[str, Any], kind: type[errors.EndpointError], field: str | None, words: str
) -> None:
    error = refusal(**fields)
    assert (type(error), error.field) == (kind, field)
    assert words in error.message


def test_unknown_fields_are_refused_wherever_they_are() -> None:
    top = pb.TranscribeRequest(audio=b"a").SerializeToString()
    assert refusal(top + b"\xf8\x01\x01").field == "31"
    inner = pb.Parameters.FromString(b"\xf8\x07\x01")
    error = refusal(audio=b"a", parameters=inner)
    assert (type(error), error.field) == (errors.UnknownParameter, "parameters.127")


@pytest.mark.parametrize("body", [b"\xff", CLIP, b'{"audio_input": [1]}'])
def test_what_is_no_message(body: bytes) -> None:
    assert type(refusal(body)) in {errors.MalformedBody, errors.UnknownParameter}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    try:
        parse(body, PROTOBUF)
    except errors.InvalidRequest as error:
        assert len(error.message) < 300


def test_telephone_audio_is_small_on_the_wire() -> None:
    line = checks.size_line()
    assert "; met)" in line, line


@pytest.mark.parametrize(("encoding", "codec"), [("mulaw", "pcm_mulaw"), ("alaw", "pcm_alaw")])
def test_every_code_of_g711_is_what_ffmpeg_makes_of_it(encoding: str, codec: str) -> None:
    decoder = av.CodecContext.create(codec, "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    decoder.open()
    (frame,) = decoder.decode(av.Packet(bytes(range(256))))
    ours = np.concatenate(list(RawForm(encoding, 8000).blocks(bytes(range(256)))))
    assert np.array_equal(ours.reshape(-1), frame.to_ndarray().reshape(-1))


def test_linear_samples_in_every_form_are_the_same_audio() -> None:
    samples = clip_samples()
    forms = {
        "pcm16": samples.astype("<i2").tobytes(),
        "pcm16be": samples.astype(">i2").tobytes(),
        "float32": (samples / np.float32(32768)).astype("<f4").tobytes(),
    }
    whole = decode(CLIP, TEN).samples
    for encoding, data in forms.items():
        assert np.array_equal(decode(data, TEN, RawForm(encoding, 16_000)).samples, whole)
        assert np.array_equal(decode(data + b"\0", TEN, RawForm(encoding, 16_000)).samples, whole)


def test_raw_channels_are_mixed_and_rates_converted() -> None:
    tone = (np.sin(np.arange(8_000) * 2 * np.pi * 440 / 8_000) * 16_000).astype("<i2")
    both = np.stack([tone, np.zeros_like(tone)], axis=1).tobytes()
    samples = decode(both, TEN, RawForm("pcm16", 8_000, 2)).samples
    assert abs(len(samples) - 16_000) < 100
    assert np.argmax(np.abs(np.fft.rfft(samples[:16_000]))) == pytest.approx(440, abs=2)
    assert 0.2 < np.abs(samples).max() < 0.3


def test_floats_that_are_no_samples_become_some() -> None:
    data = np.array([np.nan, np.inf, -np.inf, 3.0, -3.0, 0.5], "<f4").tobytes()
    samples = decode(data, TEN, RawForm("float32", 16_000)).samples
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1


def test_raw_audio_longer_than_allowed() -> None:
    with pytest.raises(errors.AudioTooLong):
        decode(bytes(16_000), Limits(seconds=1), RawForm("mulaw", 8_000))
