# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What ``whisper-sagemaker transcribe-api setup`` says makes unmodified clients sign rightly."""

import shlex

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from live_whisper.__main__ import main
from live_whisper.transport import aws

URL = "https://abc.execute-api.eu-west-1.amazonaws.com"


class Stack:
    """CloudFormation with one stack."""

    def __init__(self, **outputs):
        self.outputs = {"JobsFunction": "jobs", "RecordingsBucket": "mine", **outputs}

    def describe_stacks(self, StackName):  # noqa: N803
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return {"Stacks": [{"Outputs": outputs}]}


def setup(capsys, monkeypatch, stack, *arguments):
    monkeypatch.setattr(aws, "client", lambda *_, **__: stack)
    status = main(["transcribe-api", "setup", *arguments])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines()


def sent(client):
    """Return the request that a client sends, which nobody answers."""
    requests = []

    def send(request, **_):
        requests.append(request)
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send.transcribe.*", send)
    with pytest.raises(Exception):  # noqa: B017
        client.get_transcription_job(TranscriptionJobName="a")
    return requests[0]


def test_boto3_as_it_is_signs_for_the_api(tmp_path, capsys, monkeypatch):
    stack = Stack(JobsApiUrl=URL)
    folder = tmp_path / "a folder"
    status, lines, _ = setup(capsys, monkeypatch, stack, "--stack", "a", "--to", str(folder))
    assert status == 0
    for line in lines:
        word, assignment = shlex.split(line)
        assert word == "export"
        monkeypatch.setenv(*assignment.split("=", 1))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    session = boto3.Session("AKIA", "secret", region_name="eu-west-1")
    request = sent(session.client("transcribe"))
    assert request.url == f"{URL}/transcribe"
    assert b"/eu-west-1/execute-api/aws4_request" in request.headers["Authorization"]
    assert request.headers["X-Amz-Target"] == b"Transcribe.GetTranscriptionJob"
    monkeypatch.delenv("AWS_DATA_PATH")
    session = boto3.Session("AKIA", "secret", region_name="eu-west-1")
    assert b"/transcribe/aws4" in sent(session.client("transcribe")).headers["Authorization"]


def test_what_is_in_the_way_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("RECORDINGS_STACK", raising=False)
    assert setup(capsys, monkeypatch, Stack())[2] == [
        "Give the name of the stack with --stack, or set RECORDINGS_STACK."
    ]
    status, _, (line,) = setup(capsys, monkeypatch, Stack(), "--stack", "a")
    assert status == 2
    assert "set its parameter EnableJobsApi to true" in line
    (tmp_path / "file").touch()
    given = ("--stack", "a", "--to", str(tmp_path / "file"))
    status, _, (line,) = setup(capsys, monkeypatch, Stack(JobsApiUrl=URL), *given)
    assert status == 2
    assert "cannot be written" in line
