# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import boto3
import pytest

from deploy_whisper.smoke import transcribe_known_clip
from local_cloud.server import LocalCloud
from scripts.aws_environment import standing_in
from tests.stand_ins import TRANSCRIPT, ScriptedHosting, write_tree
from whisper_sagemaker.errors import SmokeTestFailed

BEGIN = "Check that the weights are a Whisper model: a known clip failed: "


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud(ScriptedHosting) as cloud, standing_in(cloud.environment()):
        boto3.DEFAULT_SESSION = None
        client = cloud.client("sagemaker")
        source = {"S3Uri": "s3://a/b/", "S3DataType": "S3Prefix", "CompressionType": "None"}
        client.create_model(
            ModelName="m",
            PrimaryContainer={"Image": "i", "ModelDataSource": {"S3DataSource": source}},
            ExecutionRoleArn="arn:aws:iam::123456789012:role/endpoint",
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": "m",
            "InstanceType": "ml.g5.2xlarge",
            "InitialInstanceCount": 1,
        }
        client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
        client.create_endpoint(EndpointName="calls", EndpointConfigName="c")
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
