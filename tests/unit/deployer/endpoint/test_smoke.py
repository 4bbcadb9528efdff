# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import boto3
import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
)

from deploy_whisper.endpoint.smoke import transcribe_known_clip
from local_cloud.server import LocalCloud
from scripts.local_stack import aws_settings
from tests.fakes.endpoints import make_endpoint
from tests.fakes.stand_ins import TRANSCRIPT, ScriptedHosting, write_tree
from whisper_sagemaker.errors import SmokeTestFailed

BEGIN = "Check that the weights are a Whisper model: a known clip failed: "


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud(ScriptedHosting) as cloud, aws_settings(cloud.environment()):
        boto3.DEFAULT_SESSION = None
        make_endpoint(cloud.client("sagemaker"), "calls")
        yield cloud
    boto3.DEFAULT_SESSION = None


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path, {"whisper_endpoint/selftest.wav": b"RIFF and so on"})


def test_a_transcript_is_enough(cloud, tree):
    cloud.hosting.answer = (200, TRANSCRIPT)
    transcribe_known_clip("calls", tree)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((200, TRANSCRIPT | {"text": ""}), "the text was empty"),
        ((200, TRANSCRIPT | {"text": " \n"}), "the text was empty"),
        ((200, {"text": "hello"}), "'language' is a required property"),
        ((200, TRANSCRIPT | {"text": ["hello"]}), "['hello'] is not of type 'string'"),
        ((200, TRANSCRIPT | {"no_speech_prob": 0.9}), "'no_speech_prob' was unexpected"),
        ((200, []), "[] is not of type 'object'"),
        ((400, {"error": "what is this?"}), "what is this?"),
        ((500, {"error": "x" * 3000}), "xxx"),
    ],
)
def test_everything_else_is_refused_in_a_sentence(cloud, tree, answer, cause):
    cloud.hosting.answer = answer
    with pytest.raises(SmokeTestFailed) as refusal:
        transcribe_known_clip("calls", tree)
    assert str(refusal.value).startswith(BEGIN)
    assert cause in str(refusal.value)
    assert len(str(refusal.value)) <= 256
    assert "RIFF" not in str(refusal.value)


def test_an_endpoint_that_does_not_exist(cloud, tree):
    with pytest.raises(SmokeTestFailed, match="Endpoint gone of account 123456789012 not found"):
        transcribe_known_clip("gone", tree)


WHERE = {"endpoint_url": "https://runtime.sagemaker.us-east-1.amazonaws.com/"}


class Runtime:
    """SageMaker's runtime, whose connection breaks before its answer or in the middle of it."""

    def __init__(self, error, *, in_the_middle):
        self._error = error
        self._in_the_middle = in_the_middle

    def invoke_endpoint(self, **_):
        if not self._in_the_middle:
            raise self._error
        return {"Body": self}

    def read(self):
        raise self._error


@pytest.mark.parametrize("in_the_middle", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosedError(**WHERE),
        EndpointConnectionError(**WHERE),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ReadTimeoutError(**WHERE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_connection_tells_nothing_of_the_endpoint(monkeypatch, tree, error, in_the_middle):
    runtime = Runtime(error, in_the_middle=in_the_middle)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: runtime)
    assert transcribe_known_clip("calls", tree) is False


def test_an_error_of_the_sdk_that_will_not_pass_is_refused(monkeypatch, tree):
    runtime = Runtime(NoCredentialsError(), in_the_middle=False)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: runtime)
    with pytest.raises(SmokeTestFailed, match="Unable to locate credentials"):
        transcribe_known_clip("calls", tree)
