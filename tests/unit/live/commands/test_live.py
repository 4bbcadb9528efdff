# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from live_whisper.__main__ import main
from live_whisper.audio.playback import frames
from live_whisper.errors import SinkFailed
from live_whisper.sinks.lca_kinesis import KinesisSink
from live_whisper.sinks.terminal import LiveView
from live_whisper.transport.sagemaker import SageMakerEndpoint
from live_whisper.transport.total_timeout import INTERRUPTED
from tests.unit.live.conftest import CALLS, answers_in_protobuf, without_region
from tests.unit.live.sinks.test_amazon_transcribe import result
from tests.unit.live.sinks.test_terminal import Terminal
from whisper_contract import transcription_pb2 as wire
from whisper_stream.events import CallEnded, TranscriptResult, UtteranceLost
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_whisper.audio.call_file import Call
    from live_whisper.call import CallTranscriber
    from tests.unit.live.conftest import RuntimeServer
    from whisper_stream.events import Event

CALL = str(CALLS / "agent-and-caller-overlap.wav")


def live(runtime: RuntimeServer, *more: str) -> int:
    where = ["--endpoint-name", "whisper", "--endpoint-url", runtime.url]
    return main(["live", CALL, *where, "--fast", *more])


def test_a_call_is_transcribed_with_its_roles(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    answers_in_protobuf(runtime)
    assert live(runtime, "--agent-channel", "1") == 0
    out, err = capsys.readouterr()
    assert err == ""
    *finals, partials, summary = out.splitlines()
    assert finals[0].endswith("  CUSTOMER  hello")
    assert {line.split()[1] for line in finals} == {"AGENT", "CUSTOMER"}
    assert partials.startswith("partials: ")
    assert f"finals:   {len(finals)} utterances, {len(finals)} answered, 0 lost" in summary


def test_events_are_printed_as_transcribe_streams_them(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    answers_in_protobuf(runtime)
    assert live(runtime, "--json", "--no-partials", "--language", "en") == 0
    for line in capsys.readouterr().out.splitlines():
        (found,) = json.loads(line)["TranscriptEvent"]["Transcript"]["Results"]
        assert found["Alternatives"][0]["Transcript"] == "hello"
    sent = [wire.TranscribeRequest.FromString(body) for _, _, body in runtime.requests]
    assert {request.parameters.language for request in sent} == {"en"}
    assert not any(request.partial for request in sent)


def test_terms_go_with_every_request_and_those_that_do_not_fit_are_told_once(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    warning = "Of 2 terms the first 1 fit: give fewer."
    answers_in_protobuf(runtime, warnings=[warning])
    assert live(runtime, "--terms", "Nguyen,Acme Direct", "--redaction") == 0
    sent = [wire.TranscribeRequest.FromString(body) for _, _, body in runtime.requests]
    assert {request.partial for request in sent} == {True, False}
    assert all(list(one.parameters.terms) == ["Nguyen", "Acme Direct"] for one in sent)
    assert all(one.parameters.redaction for one in sent)
    assert capsys.readouterr().out.count(warning) == 1
    assert live(runtime, "--json") == 0
    assert capsys.readouterr().err == f"{warning}\n"


def test_an_utterance_without_a_transcript_shows_in_the_exit_status(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = json.dumps({"error": "The audio is empty."})
    runtime.fail(424, "ModelError", Message="m", OriginalMessage=inner, OriginalStatusCode=422)
    assert live(runtime, "--no-partials") == 1
    assert "(lost after 1 attempt: HTTP 424 ModelError: The audio is empty.)" in (
        capsys.readouterr().out
    )


def test_a_connection_that_hangs_leaves_time_to_ask_again(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "live_whisper.commands.live.CallSettings", partial(CallSettings, final_limit_s=6.0)
    )
    answers_in_protobuf(runtime)
    runtime.hanging = 1
    assert live(runtime, "--no-partials") == 0
    summary = capsys.readouterr().out.splitlines()[-1]
    assert "0 lost, 1 retries" in summary


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_nobody_who_reads_is_no_traceback(runtime: RuntimeServer, more: list[str]) -> None:
    answers_in_protobuf(runtime)
    where = ["--endpoint-name", "whisper", "--endpoint-url", runtime.url, "--region", "eu-west-1"]
    command = [sys.executable, "-m", "live_whisper", "live", CALL, "--fast", *where, *more]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert ended.returncode == 1
    assert b"Error" not in ended.stderr


@pytest.fixture
def stream(runtime: RuntimeServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A call data stream in another region than the environment's."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("kinesis", region_name="eu-west-3")
        client.create_stream(StreamName="lca", ShardCount=1)
        yield client


def written(stream: Any) -> list[dict[str, Any]]:
    (shard,) = stream.describe_stream(StreamName="lca")["StreamDescription"]["Shards"]
    begin = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    at = stream.get_shard_iterator(StreamName="lca", **begin)["ShardIterator"]
    return [json.loads(one["Data"]) for one in stream.get_records(ShardIterator=at)["Records"]]


def to_stream(runtime: RuntimeServer) -> int:
    return live(runtime, "--region", "eu-west-3", "--no-partials", "--kinesis-stream", "lca")


def test_a_call_is_written_to_the_stream_of_the_region(runtime: RuntimeServer, stream: Any) -> None:
    answers_in_protobuf(runtime)
    assert to_stream(runtime) == 0
    start, *segments, end = written(stream)
    assert (start["EventType"], end["EventType"]) == ("START", "END")
    assert {one["Transcript"] for one in segments} == {"hello"}


def test_a_call_that_ends_early_is_ended_in_the_stream_too(
    runtime: RuntimeServer, stream: Any
) -> None:
    runtime.fail(400, "ValidationError", Message="Endpoint whisper of account 1 not found.")
    assert to_stream(runtime) == 2
    start, lost, *_, end = written(stream)
    assert start["EventType"] == "START"
    assert lost["Transcript"].startswith("[no transcript")
    assert end["EventType"] == "END"


def test_ctrl_c_ends_the_call_in_the_stream_too(
    runtime: RuntimeServer, stream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(SageMakerEndpoint):
        def invoke(self, *arguments: Any, **more: Any) -> bytes:
            if runtime.requests:
                raise KeyboardInterrupt
            return super().invoke(*arguments, **more)

    answers_in_protobuf(runtime)
    monkeypatch.setattr("live_whisper.commands.live.SageMakerEndpoint", Interrupted)
    assert to_stream(runtime) == 130
    start, said, lost, *_, end = written(stream)
    assert start["EventType"] == "START"
    assert said["Transcript"] == "hello"
    assert lost["Transcript"].startswith("[no transcript")
    assert end["EventType"] == "END"


def test_ctrl_c_waits_for_no_endpoint_that_hangs(
    runtime: RuntimeServer, stream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Event] = []

    class Watched(KinesisSink):
        def write(self, event: Event) -> None:
            seen.append(event)

    def interrupted(call: CallTranscriber, recording: Call, **_: object) -> Iterator[Event]:
        for frame in frames(recording):
            call.feed(frame)
            yield from call.waiting_events()
        assert runtime.asked.wait(60)
        raise KeyboardInterrupt

    runtime.hanging = sys.maxsize
    monkeypatch.setattr("live_whisper.commands.live._events", interrupted)
    monkeypatch.setattr("live_whisper.commands.live.InlineExecutor", lambda: None)
    monkeypatch.setattr("live_whisper.commands.live.KinesisSink", Watched)
    assert to_stream(runtime) == 130
    asked = [one for one in seen if isinstance(one, UtteranceLost) and one.attempts]
    assert {one.reason for one in asked} == {INTERRUPTED}
    assert isinstance(seen[-1], CallEnded)

    # One that answers is waited for a little: what was said last is not lost.
    seen.clear()
    runtime.hanging = 0
    answers_in_protobuf(runtime)
    monkeypatch.setattr("live_whisper.commands.live._LAST_S", 60.0)
    assert to_stream(runtime) == 130
    assert not [one for one in seen if isinstance(one, UtteranceLost)]
    assert [one for one in seen if isinstance(one, TranscriptResult) and not one.is_partial]
    assert isinstance(seen[-1], CallEnded)


def test_a_stream_that_takes_nothing_any_more_ends_no_call(
    runtime: RuntimeServer,
    stream: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Failing(KinesisSink):
        def write(self, event: Event) -> None:
            raise SinkFailed("The Kinesis stream lca did not accept an event.")

    answers_in_protobuf(runtime)
    monkeypatch.setattr("live_whisper.commands.live.KinesisSink", Failing)
    assert to_stream(runtime) == 1
    out, err = capsys.readouterr()
    assert "0 lost" in out
    assert err.count("did not accept an event") == 1
    assert "call events are missing from the stream" in err


def test_where_the_streams_address_comes_from_is_said(
    runtime: RuntimeServer,
    stream: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers_in_protobuf(runtime)
    assert to_stream(runtime) == 0
    assert "AWS_ENDPOINT_URL_KINESIS" in capsys.readouterr().err


def test_languages_go_by_their_code_whatever_they_are_called(runtime: RuntimeServer) -> None:
    answers_in_protobuf(runtime)
    assert live(runtime, "--no-partials", "--language", "English") == 0
    sent = [wire.TranscribeRequest.FromString(body) for _, _, body in runtime.requests]
    assert {request.parameters.language for request in sent} == {"en"}


@pytest.mark.parametrize("more", [["--language", "Klingon"], ["--languages", "en,xx"]])
def test_what_is_no_language_is_refused_before_anything_is_sent(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    with pytest.raises(SystemExit):
        live(runtime, *more)
    assert "is not a Whisper language; use a code such as en" in capsys.readouterr().err
    assert runtime.requests == []


def test_a_server_that_is_no_endpoint_is_asked_once(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime.body = b"<!doctype html><title>Hello</title>"
    assert live(runtime) == 2
    assert "not a TranscribeResponse; check" in capsys.readouterr().err
    assert len(runtime.requests) == 1


def test_ctrl_c_leaves_no_partial_on_the_terminal(
    runtime: RuntimeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[Event]:
        yield result(is_partial=True)
        raise KeyboardInterrupt

    terminal = Terminal()
    monkeypatch.setattr("live_whisper.commands.live._events", interrupted)
    monkeypatch.setattr("live_whisper.commands.live.LiveView", lambda _: LiveView(terminal, 60))
    assert live(runtime) == 130
    assert "Ana." in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[A\r\x1b[K")


def test_a_stream_without_a_region_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_region(monkeypatch)
    with pytest.raises(SinkFailed, match=r"No AWS region is set; give --region"):
        KinesisSink("lca", "call-1")


def test_an_endpoint_that_is_not_there_is_refused_in_one_line(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime.fail(400, "ValidationError", Message="Endpoint whisper of account 1 not found.")
    assert live(runtime) == 2
    assert capsys.readouterr().err.startswith("There is no endpoint whisper")
