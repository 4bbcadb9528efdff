# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Events as others read them: Amazon Transcribe's shape, protobuf, LCA's Kinesis stream."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from moto import mock_aws

from live_whisper.console import downloads
from live_whisper.errors import EndpointUnusable, InvocationFailed, SinkFailed
from live_whisper.sinks.amazon_transcribe import transcript_event
from live_whisper.sinks.lca_kinesis import CallFacts, KinesisSink
from live_whisper.transport.protobuf import ProtobufTransport
from live_whisper.transport.sagemaker import SageMakerEndpoint
from whisper_contract import amazon_items
from whisper_contract import transcription_pb2 as wire
from whisper_stream.events import AudioMissing, CallEnded, Counts, TranscriptResult, UtteranceLost
from whisper_stream.protobuf import decode
from whisper_stream.requests import LiveWord, TranscriptionRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.live.conftest import RuntimeServer

WORDS = (
    LiveWord("Hello,", 1.2, 1.5, 0.91234567, is_stable=True),
    LiveWord("Ana.", 1.5, 1.9001, 0.5),
)


def result(*, is_partial: bool, words: tuple[LiveWord, ...] = WORDS) -> TranscriptResult:
    return TranscriptResult(
        call_id="call-1",
        result_id="r-1",
        channel=1,
        role="CUSTOMER",
        language="en",
        start=1.2,
        end=1.9001,
        is_partial=is_partial,
        words=words,
        until=2.4,
        latency_s=0.1,
    )


LOST = UtteranceLost(
    call_id="call-1",
    result_id="r-2",
    channel=0,
    role="AGENT",
    start=3.0,
    end=4.0,
    attempts=4,
    reason="HTTP 503: away.",
)


def test_a_partial_has_the_shape_of_transcribe_streaming() -> None:
    (found,) = transcript_event(result(is_partial=True))["TranscriptEvent"]["Transcript"]["Results"]
    (alternative,) = found.pop("Alternatives")
    assert found == {
        "ResultId": "r-1",
        "ChannelId": "ch_1",
        "ParticipantRole": "CUSTOMER",
        "StartTime": 1.2,
        "EndTime": 1.9,
        "IsPartial": True,
        "LanguageCode": "en",
    }
    assert alternative["Transcript"] == "Hello, Ana."
    assert [(i["Content"], i["Type"], i["Stable"]) for i in alternative["Items"]] == [
        ("Hello", "pronunciation", True),
        (",", "punctuation", True),
        ("Ana", "pronunciation", False),
        (".", "punctuation", False),
    ]
    first, mark = alternative["Items"][:2]
    assert (first["StartTime"], first["EndTime"], first["Confidence"]) == (1.2, 1.5, 0.9123)
    assert (mark["StartTime"], mark["EndTime"]) == (1.5, 1.5)


def test_all_of_a_final_is_stable_and_marks_alone_are_no_words() -> None:
    found = transcript_event(result(is_partial=False, words=(LiveWord("—?", 1, 2, 0.5), *WORDS)))
    items = found["TranscriptEvent"]["Transcript"]["Results"][0]["Alternatives"][0]["Items"]
    assert all(item["Stable"] for item in items)
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("text", ["¿Cómo?", "well…", '"Yes,"', "(no)", "$5.50,", "今日は。", "—?"])
def test_a_word_has_the_items_that_it_has_in_amazons_file(text: str) -> None:
    found = transcript_event(result(is_partial=False, words=(LiveWord(text, 1.0, 2.0, 0.5),)))
    items = found["TranscriptEvent"]["Transcript"]["Results"][0]["Alternatives"][0]["Items"]
    assert [(one["Type"], one["Content"]) for one in items] == list(amazon_items.items(text))
    said = [one["Type"] for one in items]
    words = said.index("pronunciation") if "pronunciation" in said else len(said)
    for place, one in enumerate(items):
        times = (1.0, 1.0) if place < words else (2.0, 2.0) if place > words else (1.0, 2.0)
        assert (one["StartTime"], one["EndTime"]) == times


@pytest.mark.parametrize(
    ("segments", "text", "items"),
    [
        ([" call| 555|-1234."], "call 555-1234.", ["call", "555-1234", "."]),
        ([" it's| $1|,200|.50"], "it's $1,200.50", ["it's", "$1,200.50"]),
        ([" john|.doe|@example|.com"], "john.doe@example.com", ["john.doe@example.com"]),
        ([" T|-I|-L|-L", "-E,| please"], "T-I-L-L-E, please", ["T-I-L-L-E", ",", "please"]),
        (["今|天", "下|午。"], "今天下午。", ["今", "天", "下", "午", "。"]),
        ([" ¿Cómo?"], "¿Cómo?", ["¿", "Cómo", "?"]),
    ],
)
@pytest.mark.parametrize("is_aligned", [True, False])
def test_live_text_is_its_segments_text(
    segments: list[str], text: str, items: list[str], *, is_aligned: bool
) -> None:
    message = wire.TranscribeResponse(text=text, duration=4.0)
    for words in segments:
        segment = message.segments.add(text=words.replace("|", ""))
        for word in words.split("|") if is_aligned else ():
            segment.words.add(word=word, probability=0.5)
    found = result(is_partial=False, words=decode(message, ask()).words)
    assert found.text == text
    (alternative,) = transcript_event(found)["TranscriptEvent"]["Transcript"]["Results"][0][
        "Alternatives"
    ]
    assert alternative["Transcript"] == text
    assert [item["Content"] for item in alternative["Items"]] == items
    saved = json.loads(downloads.render(downloads.of_results([found]), "json", "call-1"))["results"]
    assert saved["transcripts"] == [{"transcript": text}]
    assert [item["alternatives"][0]["content"] for item in saved["items"]] == items


@pytest.fixture
def kinesis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("kinesis")
        client.create_stream(StreamName="lca", ShardCount=1)
        yield client


def records(client: Any) -> list[dict[str, Any]]:
    shard = client.describe_stream(StreamName="lca")["StreamDescription"]["Shards"][0]["ShardId"]
    at = client.get_shard_iterator(
        StreamName="lca", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found = client.get_records(ShardIterator=at)["Records"]
    assert {record["PartitionKey"] for record in found} == {"call-1"}
    return [json.loads(record["Data"]) for record in found]


def test_a_call_is_written_as_lca_reads_it(kinesis: Any) -> None:
    moment = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    sink = KinesisSink("lca", "call-1", CallFacts("+15550100", "+15550199"), now=lambda: moment)
    sink.start()
    sink.write(result(is_partial=True))
    sink.write(result(is_partial=False))
    sink.write(LOST)
    sink.write(AudioMissing(call_id="call-1", channel=0, start=1, end=2))
    sink.write(CallEnded(call_id="call-1", counts=Counts()))
    started, partial, final, lost, ended = records(kinesis)
    assert started == {
        "EventType": "START",
        "CallId": "call-1",
        "CreatedAt": "2026-11-20T18:00:00.000Z",
        "CustomerPhoneNumber": "+15550100",
        "SystemPhoneNumber": "+15550199",
    }
    assert final == {
        "EventType": "ADD_TRANSCRIPT_SEGMENT",
        "CallId": "call-1",
        "CreatedAt": "2026-11-20T18:00:00.000Z",
        "Channel": "CALLER",
        "SegmentId": "r-1",
        "StartTime": 1.2,
        "EndTime": 1.9,
        "Transcript": "Hello, Ana.",
        "IsPartial": False,
    }
    assert partial == {**final, "IsPartial": True}
    assert lost["Channel"] == "AGENT"
    assert "no transcript" in str(lost["Transcript"])
    assert ended["EventType"] == "END"


def test_a_stream_that_does_not_take_events_is_said_so(kinesis: Any) -> None:
    with pytest.raises(SinkFailed, match=r"stream absent .*kinesis:PutRecord"):
        KinesisSink("absent", "call-1").start()


def ask(*, language: str | None = None, is_partial: bool = False) -> TranscriptionRequest:
    return TranscriptionRequest(
        call_id="call-1",
        channel=1,
        utterance_id="r-1",
        sequence=3,
        is_partial=is_partial,
        audio=np.array([1, -2, 3], np.int16),
        start=10.0,
        end=12.0,
        until=12.3,
        language=language,
        want_words=True,
        beam_size=5,
        asked_at=0.0,
    )


def answer() -> wire.TranscribeResponse:
    wire.Word(word=" Hello,", start=0.5, end=0.9, probability=0.7)
    return wire.TranscribeResponse(
        text="Hello, Ana.",
        language="es",
        language_probability=0.8,
        duration=2.0,
        segments=[
            wire.Segment(
                text=" Hello,",
                words=[wire.Word(word=" Hello,", start=0.5, end=0.9, probability=0.7)],
            ),
            wire.Segment(text=" Ana", start=1.0, end=1.5),
        ],
    )


def test_a_request_is_protobuf_with_its_place_in_the_call(runtime: RuntimeServer) -> None:
    runtime.body = answer().SerializeToString()
    heard = ProtobufTransport(SageMakerEndpoint("whisper", runtime.url)).transcribe(
        ask(is_partial=True), 1.5
    )
    ((_, headers, body),) = runtime.requests
    assert headers["Content-Type"] == headers["Accept"] == "application/x-protobuf"
    sent = wire.TranscribeRequest.FromString(body)
    assert sent.audio == np.array([1, -2, 3], "<i2").tobytes()
    assert (sent.encoding, sent.sample_rate) == (wire.AUDIO_ENCODING_PCM16, 16000)
    assert (sent.call_id, sent.channel, sent.utterance_id) == ("call-1", 1, "r-1")
    assert (sent.sequence, sent.partial, sent.deadline_ms) == (3, True, 1500)
    assert not sent.parameters.HasField("language")
    assert sent.parameters.word_timestamps
    assert [(w.text, w.start, w.end, w.confidence) for w in heard.words] == [
        ("Hello,", 10.5, 10.9, 0.7),
        ("Ana", 11.0, 11.5, 0.0),
    ]
    assert (heard.language, heard.language_probability) == ("es", 0.8)
    assert not heard.is_superseded


def test_a_given_language_is_sent_and_certain(runtime: RuntimeServer) -> None:
    runtime.body = answer().SerializeToString()
    heard = ProtobufTransport(SageMakerEndpoint("whisper", runtime.url)).transcribe(
        ask(language="es"), 30
    )
    sent = wire.TranscribeRequest.FromString(runtime.requests[0][2])
    assert sent.parameters.language == "es"
    assert heard.language_probability == 1.0


def test_an_answer_of_another_form_is_a_failure(runtime: RuntimeServer) -> None:
    runtime.body = b'{"text": "hello"}'
    with pytest.raises(EndpointUnusable, match="TranscribeResponse; check the endpoint's name"):
        ProtobufTransport(SageMakerEndpoint("whisper", runtime.url)).transcribe(ask(), 30)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (204, b""),
        (200, wire.TranscribeResponse(language="en").SerializeToString()),
        (200, wire.TranscribeResponse(text="hello", duration=1.0).SerializeToString()),
    ],
)
@pytest.mark.parametrize("is_partial", [True, False])
def test_an_answer_without_what_each_has_is_a_failure_that_may_pass(
    runtime: RuntimeServer, status: int, body: bytes, *, is_partial: bool
) -> None:
    runtime.status, runtime.body = status, body
    with pytest.raises(InvocationFailed, match="empty or lacks") as caught:
        ProtobufTransport(SageMakerEndpoint("whisper", runtime.url)).transcribe(
            ask(is_partial=is_partial), 30
        )
    assert caught.value.is_passing


def test_silence_is_an_answer(runtime: RuntimeServer) -> None:
    runtime.body = wire.TranscribeResponse(duration=1.0).SerializeToString()
    transport = ProtobufTransport(SageMakerEndpoint("whisper", runtime.url))
    assert transport.transcribe(ask(), 30).words == ()
