# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Wire forms other than Live Call Analytics' JSON and protobuf: one request, whatever its form."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

import whisper_contract
from tests.unit.endpoint.helpers import CLIP
from whisper_contract import transcription_pb2 as pb
from whisper_endpoint import errors, parsing
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.audio.sources import InlineAudio, UrlAudio
from whisper_endpoint.messages import Parameters
from whisper_endpoint.parsing.request import Output, Request

URL, DATA_URL = "https://example.com/a.wav", "data:audio/wav;base64,UklGRg=="
TRANSCRIPTIONS = "/v1/audio/transcriptions"


def from_json(document: dict[str, Any]) -> Request:
    return parsing.parse(json.dumps(document).encode(), "application/json")


def from_audio(
    attributes: str = "", content_type: str = "audio/wav", body: bytes = CLIP
) -> Request:
    return parsing.parse(body, content_type, attributes=attributes)


def from_form(*fields: tuple[str, Any], path: str = TRANSCRIPTIONS) -> Request:
    body, content_type = encode_multipart_formdata([*fields, ("file", ("a.wav", CLIP))])
    return parsing.parse(body, content_type, path=path)


def test_a_body_of_audio() -> None:
    request = from_audio()
    assert request == Request(InlineAudio(CLIP), Parameters())
    assert from_audio(content_type="application/octet-stream") == request
    assert from_audio(content_type="video/mp4") == request


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("audio/basic", RawForm("mulaw", 8_000)),
        ("audio/PCMU", RawForm("mulaw", 8_000)),
        ("audio/PCMU; rate=16000;channels=2", RawForm("mulaw", 16_000, 2)),
        ("audio/PCMA", RawForm("alaw", 8_000)),
        ("audio/L16;rate=8000;channels=2", RawForm("pcm16be", 8_000, 2)),
        ('audio/l16; RATE="44100"; endianness=little-endian', RawForm("pcm16", 44_100)),
        ("audio/pcm;rate=24000", RawForm("pcm16", 24_000)),
        ("audio/mpeg;rate=90000", None),
    ],
)
def test_raw_telephony(content_type: str, form: RawForm | None) -> None:
    assert from_audio(content_type=content_type).source == InlineAudio(CLIP, form)


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("audio/L16", "no rate"),
        ("audio/L16;rate=0", "rate '0'"),
        ("audio/L16;rate=-8000", "from 1 to"),
        ("audio/L16;rate=99999999999999", "from 1 to 999999999"),
        ("audio/L16;rate=8k", "rate '8k'"),
        ("audio/L16;rate=8000;channels=two", "channels 'two'"),
        ("audio/L16;rate=8000;endianness=middle", "little-endian or big-endian"),
    ],
)
def test_raw_telephony_that_is_not_said_right(content_type: str, words: str) -> None:
    with pytest.raises(errors.InvalidParameter, match=words) as caught:
        from_audio(content_type=content_type)
    assert caught.value.field == "Content-Type"


def test_parameters_in_attributes() -> None:
    request = from_audio(
        "language=en; temperature=0,0.4;beam_size=2;vad_filter=false;no_speech_threshold=null;"
        f"initial_prompt={quote('naïve; yes')};vad_parameters.threshold=0.3;clip_timestamps=1,2.5;"
        "response_format=srt;partial=true;channel=1;deadline_ms=900;timestamp_granularities=word"
    )
    assert request.parameters.temperature == (0.0, 0.4)
    assert request.parameters.beam_size == 2
    assert request.parameters.vad_filter is False
    assert request.parameters.no_speech_threshold is None
    assert request.parameters.initial_prompt == "naïve; yes"
    assert request.parameters.vad_parameters.threshold == 0.3
    assert request.parameters.clip_timestamps == (1.0, 2.5)
    assert request.parameters.word_timestamps
    assert request.output.response_format == "srt"
    assert (request.live.partial, request.live.channel, request.live.deadline_ms) == (True, 1, 900)
    assert from_audio("temperature=0.4").parameters.temperature == (0.4,)


@pytest.mark.parametrize(
    ("attributes", "kind", "words"),
    [
        ("language", errors.InvalidParameter, "equals sign"),
        ("beamsize=2", errors.UnknownParameter, "did you mean beam_size?"),
        ("vad_parameters.treshold=2", errors.UnknownParameter, "vad_parameters.threshold?"),
        ("audio_data=AAAA", errors.UnknownParameter, "audio_data"),
        ("beam_size=2;beam_size=3", errors.InvalidParameter, "is sent twice"),
        ("beam_size=two", errors.InvalidParameter, '"two": use a whole number from 1 to 10'),
        ("beam_size=2.0", errors.InvalidParameter, '"2.0": use a whole number'),
        ("patience=nan", errors.InvalidParameter, '"nan": use a number'),
        ("patience=1e999", errors.InvalidParameter, '"1e999": use a number'),
        ("vad_filter=maybe", errors.InvalidParameter, "use true or false"),
        ("temperature=0,x", errors.InvalidParameter, "parameters.temperature is a list of 2"),
        ("task=sing", errors.InvalidParameter, "use transcribe or translate"),
        ("s3_uri=s3://a/b", errors.InvalidParameter, "in the body and in s3_uri"),
    ],
)
def test_attributes_that_are_refused(
    attributes: str, kind: type[errors.EndpointError], words: str
) -> None:
    with pytest.raises(errors.EndpointError) as caught:
        from_audio(attributes)
    assert type(caught.value) is kind
    assert words in caught.value.message


def test_an_empty_body_of_audio() -> None:
    with pytest.raises(errors.InvalidParameter, match="The body is empty"):
        from_audio(body=b"")


def test_what_openai_clients_send() -> None:
    request = from_form(
        ("model", "whisper-1"),
        ("language", "en"),
        ("prompt", "Acme"),
        ("response_format", "verbose_json"),
        ("temperature", "0.2"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
        ("stream", "false"),
    )
    assert request.source == InlineAudio(CLIP)
    assert request.parameters == Parameters(
        language="en", initial_prompt="Acme", temperature=(0.2,), word_timestamps=True
    )
    assert request.output == Output(
        response_format="verbose_json",
        dialect="openai",
        timestamp_granularities=("word", "segment"),
    )


def test_openai_temperature_0_is_raised_while_the_model_is_unsure() -> None:
    assert from_form(("temperature", "0")).parameters.temperature == Parameters().temperature
    assert from_form(("temperature", "0,0.5")).parameters.temperature == (0.0, 0.5)


def test_the_path_says_the_task() -> None:
    assert from_form(path="/v1/audio/translations").parameters.task == "translate"
    assert from_form(path="/").parameters.task == "transcribe"
    with pytest.raises(errors.InvalidParameter, match="for the task transcribe"):
        from_form(("task", "translate"))
    with pytest.raises(errors.UnsupportedMediaType, match="accepts only multipart/form-data"):
        parsing.parse(CLIP, "audio/wav", path=TRANSCRIPTIONS)


def test_every_field_of_the_form_in_the_contract_is_taken() -> None:
    sent = {"model": "m", "response_format": "diarized_json", "chunking_strategy": "auto"}
    sent |= dict.fromkeys(("language", "languages[]"), "en") | {"prompt": "p", "keywords[]": "A"}
    sent |= {"temperature": "0.5", "timestamp_granularities[]": "segment", "stream": "0"}
    sent |= {"known_speaker_names[]": "a", "known_speaker_references[]": DATA_URL}
    assert {*sent, "file"} == set(whisper_contract.openai_fields())
    from_form(*sent.items())


@pytest.mark.parametrize(
    ("field", "kind", "words"),
    [
        (("languge", "en"), errors.UnknownParameter, "did you mean language?"),
        (("promt", "en"), errors.UnknownParameter, "did you mean prompt?"),
        (("stream", "maybe"), errors.InvalidParameter, "use true or false"),
        (("include[]", "logprobs"), errors.InvalidParameter, "include[] is not supported: tokens"),
        (("known_speaker_references", "a"), errors.InvalidParameter, "characters such as data:"),
        (("chunking_strategy", '{"type": "x"}'), errors.InvalidParameter, "use auto, or"),
        (("language", "Klingon"), errors.InvalidParameter, "such as en"),
        (("response_format", "diarised_json"), errors.InvalidParameter, "or diarized_json or"),
        (("file", ("b.wav", CLIP)), errors.InvalidParameter, "file is sent twice"),
        (("prompt", b"\xff"), errors.InvalidParameter, "prompt is not text"),
        (("prompt", "x" * 20_001), errors.InvalidParameter, "more than 20,000 bytes: shorten"),
        (("beam_size", "9" * 20), errors.InvalidParameter, "use a whole number from 1 to 10"),
        (("beam_size", "-" + "9" * 400), errors.InvalidParameter, "a whole number from 1 to 10"),
        (("sequence", "9" * 5_000), errors.InvalidParameter, "use a whole number from 0 to"),
    ],
)
def test_forms_that_are_refused(
    field: tuple[str, Any], kind: type[errors.EndpointError], words: str
) -> None:
    with pytest.raises(errors.EndpointError) as caught:
        from_form(field)
    assert type(caught.value) is kind
    assert words in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b"nothing",
        b"--x\r\n\r\nabc\r\n--x--",
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc',
        b"--x\r\na: b\r\n\r\n\r\n" * 200,
    ],
)
def test_what_is_no_form(body: bytes) -> None:
    for boundary in ("; boundary=x", ""):
        with pytest.raises(errors.MalformedBody, match="not multipart/form-data"):
            parsing.parse(body, f"multipart/form-data{boundary}")


def test_a_form_without_a_file() -> None:
    body, content_type = encode_multipart_formdata([("model", "whisper-1")])
    with pytest.raises(errors.InvalidParameter, match="no audio"):
        parsing.parse(body, content_type)


def test_raw_samples_in_a_form() -> None:
    fields = [("file", ("a.raw", CLIP, "audio/PCMU"))]
    body, content_type = encode_multipart_formdata(fields)
    assert parsing.parse(body, content_type).source == InlineAudio(CLIP, RawForm("mulaw", 8_000))


def test_insanely_fast_whisper() -> None:
    flat = {
        "url": URL,
        "task": "translate",
        "language": None,
        "batch_size": 64,
        "chunk_length_s": 30,
        "timestamp": "work",
        "diarise_audio": False,
        "webhook": None,
        "is_async": False,
    }
    assert {*flat, "audio_file"} == set(whisper_contract.flat_fields())
    request = from_json(flat)
    assert request.source == UrlAudio(URL)
    assert request.parameters == Parameters(task="translate", word_timestamps=True)
    assert (request.output.dialect, request.output.is_wrapped) == ("chunks", False)
    wrapped = from_json({"model_input": flat})
    assert wrapped.parameters == request.parameters
    for said, language in (("None", None), ("english", "en"), ("es", "es")):
        assert from_json(flat | {"language": said}).parameters.language == language
    assert (wrapped.output.dialect, wrapped.output.is_wrapped) == ("chunks", True)


def test_a_url_is_flat_only_next_to_something_flat() -> None:
    assert from_json({"url": URL}).output.dialect == "native"
    assert from_json({"audio_file": URL, "parameters": {}}).source == UrlAudio(URL, "audio_file")
    assert from_json({"audio_file": URL, "timestamp": "chunk"}).output.dialect == "chunks"
    assert from_json({"model_input": {"url": URL}}).output.dialect == "chunks"
    inner = {"url": URL, "parameters": {"response_format": "segments"}}
    assert from_json({"model_input": inner}).output == Output(
        response_format="segments", is_wrapped=True
    )


@pytest.mark.parametrize(
    ("document", "kind", "words"),
    [
        ({"url": URL, "task": "sing"}, errors.InvalidParameter, "transcribe or translate"),
        ({"url": URL, "task": "transcribe", "batchsize": 2}, errors.UnknownParameter, "batch_size"),
        ({"url": URL, "batch_size": 0}, errors.InvalidParameter, "from 1 to 1024"),
        ({"url": URL, "timestamp": "line"}, errors.InvalidParameter, "chunk or word or work"),
        ({"url": URL, "diarise_audio": "yes"}, errors.InvalidParameter, "true or false"),
        ({"url": URL, "is_async": True}, errors.InvalidParameter, "InvokeEndpointAsync"),
        ({"model_input": [1]}, errors.MalformedBody, "a list of 1"),
        ({"model_input": {}, "url": URL}, errors.MalformedBody, "1 fields next to it"),
        ({"task": "sing"}, errors.UnknownParameter, "task is a parameter: put it into parameters"),
        ({"model_input": {"task": "transcribe"}}, errors.InvalidParameter, "no audio"),
        ({"url": "ftp://a/b"}, errors.InvalidParameter, "such as https://example.com"),
        ({"url": URL, "audio_file": URL}, errors.InvalidParameter, "url and audio_file"),
    ],
)
def test_flat_bodies_that_are_refused(
    document: dict[str, Any], kind: type[errors.EndpointError], words: str
) -> None:
    with pytest.raises(errors.EndpointError) as caught:
        from_json(document)
    assert type(caught.value) is kind
    assert words in caught.value.message


TEXT = st.text(st.characters(codec="utf-8", exclude_characters=";\r\n,"), min_size=1, max_size=30)
NUMBER = st.floats(0, 1, width=32).map(lambda value: float(f"{value:.4f}"))


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Any]:
    """Draw parameters that every form can say."""
    drawn: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "language": st.sampled_from(["en", "es"]),
                "task": st.sampled_from(["transcribe", "translate"]),
                "temperature": st.lists(NUMBER, min_size=2, max_size=6),
                "beam_size": st.integers(1, 10),
                "patience": st.floats(0.5, 4).map(lambda value: round(value, 3)),
                "no_repeat_ngram_size": st.integers(0, 5),
                "initial_prompt": TEXT.filter(lambda text: text.strip() not in ("", "null")),
                "no_speech_threshold": st.none() | NUMBER,
                "vad_filter": st.booleans(),
                "word_timestamps": st.booleans(),
                "channel_identification": st.booleans(),
                "response_format": st.sampled_from(["json", "srt", "verbose_json"]),
            },
        )
    )
    return drawn


def as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def as_message(values: dict[str, Any]) -> pb.Parameters:
    thresholds = {
        name: pb.Threshold() if values[name] is None else pb.Threshold(value=values[name])
        for name in values
        if name.endswith("_threshold")
    }
    return pb.Parameters(**(values | thresholds))


@given(parameters())
def test_one_request_in_every_form_is_one_request(values: dict[str, Any]) -> None:
    texts = [(name, as_text(value)) for name, value in values.items()]
    message = pb.TranscribeRequest(audio=CLIP[:100], parameters=as_message(values))
    attributes = ";".join(f"{name}={quote(text)}" for name, text in texts)
    body, content_type = encode_multipart_formdata([*texts, ("file", ("a.wav", CLIP[:100]))])
    requests = [
        from_json({"audio_input": list(CLIP[:100]), "parameters": values}),
        parsing.parse(message.SerializeToString(), "application/x-protobuf"),
        from_audio(attributes, body=CLIP[:100]),
        parsing.parse(body, content_type),
    ]
    first = requests[0]
    for request in requests[1:]:
        assert request.source == first.source
        assert request.parameters == first.parameters
        assert request.output.response_format == first.output.response_format


@given(st.binary(max_size=300), st.sampled_from(["", "x"]), st.text(max_size=60))
def test_any_bytes_are_a_request_or_refused(body: bytes, boundary: str, attributes: str) -> None:
    for content_type in (
        f"multipart/form-data; boundary={boundary}",
        "application/json",
        "audio/L16;rate=8000",
    ):
        try:
            parsing.parse(body, content_type, attributes=attributes)
        except errors.InvalidRequest as error:
            assert len(error.message) < 1_500


@given(
    st.sampled_from(["audio/L16", "audio/PCMU", "multipart/form-data", "application/json", "a/b"]),
    st.text(st.characters(codec="latin-1"), max_size=40),
)
@example("audio/L16", "; rate*=utf-8''8000")
@example("audio/L16", "; rate*0=80; rate*1=00")
@example("audio/L16", "; rate*=x''%ff")
def test_any_content_type_is_taken_or_refused(media_type: str, rest: str) -> None:
    try:
        parsing.parse(b"x", f"{media_type}{rest}")
    except errors.EndpointError as error:
        assert error.status in {400, 415}


MANY = [2] * 100_000


@pytest.mark.parametrize(
    "document",
    [
        {"audio_data": "AAAA", "parameters": {"temperature": MANY}},
        {"audio_data": "AAAA", "parameters": {"temperature": [MANY]}},
        {"audio_data": "AAAA", "parameters": {str(number): 1 for number in range(10_000)}},
        {"url": MANY, "task": "transcribe"},
        {"model_input": {"url": {"a": {"b": MANY}}}},
        {str(number): 1 for number in range(10_000)},
    ],
)
def test_what_sprawls_is_refused_before_it_is_looked_at(document: dict[str, Any]) -> None:
    with pytest.raises(errors.MalformedBody, match="more than 5,000 values besides its audio"):
        from_json(document)


@pytest.mark.parametrize("levels", [17, 990, 1_020, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize(
    "around",
    [
        '{{"audio_data": "AAAA", "parameters": {{"language": {}}}}}',
        '{{"audio_data": "AAAA", "parameters": {{"audio_input": {}}}}}',
        '{{"audio_input": {}}}',
        '{{"model_input": {{"audio_input": {}}}}}',
        '{{"model_input": {{"url": {}}}}}',
        '{{"url": {}, "task": "transcribe"}}',
        '{{"audio_data": "AAAA", "x": {}}}',
        "{}",
    ],
)
def test_what_is_nested_deeply_is_refused(
    levels: int, opening: str, closing: str, around: str
) -> None:
    deep = around.format(opening * levels + "1" + closing * levels)
    with pytest.raises(errors.InvalidRequest):
        parsing.parse(deep.encode(), "application/json")


def test_a_nested_body_is_told_how_deep_it_may_be() -> None:
    deep = b'{"audio_data": "AAAA", "x": ' + b"[" * 990 + b"]" * 990 + b"}"
    with pytest.raises(errors.MalformedBody, match="more than 16 levels"):
        parsing.parse(deep, "application/json")
    with pytest.raises(errors.MalformedBody, match="depth limit"):
        parsing.parse(b"[" * 5_000, "application/json")


def test_what_sprawls_in_other_forms_is_refused_too() -> None:
    message = pb.TranscribeRequest(audio=CLIP, parameters=pb.Parameters(temperature=MANY))
    with pytest.raises(errors.MalformedBody, match="values besides its audio"):
        parsing.parse(message.SerializeToString(), "application/x-protobuf")
    with pytest.raises(errors.MalformedBody, match="values besides its audio"):
        from_form(("temperature", "2," * 9_000))
    assert from_json({"audio_input": [0] * 10_000}).source == InlineAudio(bytes(10_000))


def test_an_endless_name_is_not_compared_whole_and_not_quoted_whole() -> None:
    with pytest.raises(errors.UnknownParameter) as caught:
        from_json({"audio_data": "AAAA", "beam_size" * 1_000_000: 1})
    assert len(caught.value.message) < 1_000
