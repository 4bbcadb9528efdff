# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What Live Call Analytics makes of an endpoint that is down, by its own client's rules."""

import numpy as np
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.lca_client.client import NO_TEXT_CAPTION, LcaClient
from benchmarks.lca_client.clock import AudioClock
from live_whisper.audio.call_file import Call
from live_whisper.errors import InvocationFailed
from local_cloud.server import LocalCloud
from tests.fakes.stand_ins import ScriptedHosting
from tests.unit.live.conftest import sample_call, speech

__all__ = ["sample_call", "speech"]

NAME = "whisper-endpoint-LCA"


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud(ScriptedHosting) as cloud:
        yield cloud


@pytest.fixture
def endpoint(cloud):
    sagemaker = cloud.client("sagemaker")
    container = {"Image": "image", "ModelDataUrl": "s3://models/m.tar.gz"}
    role = "arn:aws:iam::123456789012:role/endpoint"
    sagemaker.create_model(ModelName=NAME, PrimaryContainer=container, ExecutionRoleArn=role)
    variant = {"VariantName": "AllTraffic", "ModelName": NAME, "InstanceType": "ml.g5.xlarge"}
    variants = [{**variant, "InitialInstanceCount": 1}]
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    sagemaker.describe_endpoint(EndpointName=NAME)
    yield cloud.sagemaker.endpoints[NAME]
    cloud.sagemaker.endpoints.pop(NAME)
    sagemaker.delete_endpoint_config(EndpointConfigName=NAME)
    sagemaker.delete_model(ModelName=NAME)


def gone(cloud, endpoint):
    endpoint.name = "another"
    cloud.sagemaker.endpoints["another"] = cloud.sagemaker.endpoints.pop(NAME)


def back(cloud, endpoint):
    cloud.hosting.answer = (200, {"text": " hello"})
    if "another" in cloud.sagemaker.endpoints:
        cloud.sagemaker.endpoints[NAME] = cloud.sagemaker.endpoints.pop("another")


def overloaded(cloud, endpoint):
    del endpoint
    cloud.hosting.answer = (503, {"error": "try again"})


def broken(cloud, endpoint):
    del endpoint
    cloud.hosting.answer = (500, {"error": "the engine is broken"})


@pytest.mark.parametrize("down", [gone, overloaded, broken])
def test_agents_see_no_caption_and_no_error_until_it_is_back(cloud, endpoint, speech, down):
    runtime = cloud.client("sagemaker-runtime")
    clock = AudioClock()
    down(cloud, endpoint)

    def invoke(body):
        """As LCA: one request after the other, whatever is wrong is caught and logged."""
        if clock.now() > 12:
            back(cloud, endpoint)
        try:
            answer = runtime.invoke_endpoint(
                EndpointName=NAME, ContentType="application/json", Body=body
            )
        except (BotoCoreError, ClientError) as error:
            raise InvocationFailed(str(error)) from error
        return answer["Body"].read()

    samples = np.zeros((8000 * 20, 2), np.int16)
    for start in (1, 6, 14):
        samples[start * 8000 : start * 8000 + len(speech), 0] = speech
    results = list(LcaClient(invoke, clock=clock).transcribe(Call(8000, samples)))
    while_down = [result for result in results if result.until <= 12]
    after = [result for result in results if result.until > 13]
    # Nothing that an agent could see: no text, and not LCA's caption for an answer without one.
    assert {result.text for result in while_down} == {""}
    assert all(result.error for result in while_down)
    assert NO_TEXT_CAPTION not in {result.text for result in results}
    # It is asked again every second, so that captions come back with the next words.
    assert len(while_down) >= 10
    assert {result.text for result in after} == {"hello"}
    assert [result.text for result in results if not result.is_partial] == ["", "", "hello"]
