# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One deployed stack for recordings, beside one of template.yaml."""

import json
import os
import time
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from local_cloud.aws_lambda.function_process import FunctionAnswer
from recordings import handlers
from tests.fakes.recordings_hosting import RecordingsHosting
from tests.lifecycle.publishing import (
    ARTIFACTS,
    packaged_recordings,
    recordings_artifacts,
)
from tests.lifecycle.watched_cloud import WarmFunctions, opened

PATIENCE_SECONDS = 60.0
_OF_THE_FIRST_STACK = (
    "DeploymentFunctionArn",
    "DeploymentRoleName",
    "DependenciesLayerArn",
    "ModelDataUri",
    "ImageUri",
)


class WarmRecordings(WarmFunctions):
    """Runs the functions for recordings in this process, too, so that their calls are known."""

    def call(self, function, event):
        try:
            answer = self._run(function, event, None)
        except Exception as error:
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return FunctionAnswer(json.dumps(said), is_error=True)
        return FunctionAnswer(json.dumps(answer), is_error=False)

    def invoke(self, function_arn, event):
        function = self.backend.get_function(function_arn)
        if function.handler != "recordings.handlers.on_removal":
            super().invoke(function_arn, event)
            return
        context = SimpleNamespace(
            aws_request_id=event["RequestId"],
            invoked_function_arn=function_arn,
            log_stream_name="local",
            get_remaining_time_in_millis=lambda: 60_000,
        )
        self._run(function, event, context)

    def _run(self, function, event, context):
        module, _, name = function.handler.rpartition(".")
        assert module == handlers.__name__
        with self._lock, patch.dict(os.environ, function.environment_vars):
            handlers.settings.cache_clear()
            self.calls.begin(function.role)
            try:
                return getattr(handlers, name)(json.loads(json.dumps(event)), context)
            finally:
                self.calls.end()
                handlers.settings.cache_clear()


class DeployedRecordings:
    """A deployed stack, and what people do with it."""

    def __init__(self, world, stack):
        self.world = world
        self.stack = stack
        self.bucket = stack.outputs["RecordingsBucket"]

    def put(self, key, text):
        self.world.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())
        return f"s3://{self.bucket}/{key}"

    def ask(self, **request):
        answer = self.world.cloud.client("lambda").invoke(
            FunctionName=self.stack.outputs["JobsFunction"], Payload=json.dumps(request)
        )
        return json.loads(answer["Payload"].read())

    def jobs(self, key):
        """Return the jobs of a recording."""
        uri = f"s3://{self.bucket}/{key}"
        return [job for job in self.ask(action="list")["jobs"] if job["source"] == uri]

    def until(self, key, *statuses):
        """Wait until the recording's one job has one of these statuses, and return it."""
        return until(
            lambda: [job for job in self.jobs(key) if job["status"] in statuses],
            lambda: self.jobs(key),
        )[0]

    def read(self, uri):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.world.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def executions(self, output="StateMachineArn", **more):
        client = self.world.cloud.client("stepfunctions")
        machine = self.stack.outputs[output]
        return client.list_executions(stateMachineArn=machine, **more)["executions"]


def until(found, said=lambda: ""):
    """Wait until something is found, and return it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (item := found()):
        assert time.monotonic() < end, said()
        time.sleep(0.1)
    return item


@pytest.fixture(scope="module")
def recordings_world(built, template):
    """A world with a stack of template.yaml, which makes no recordings."""
    artifacts = built | recordings_artifacts()
    with opened(WarmRecordings, RecordingsHosting, artifacts, template) as world:
        yield world


@pytest.fixture(scope="module")
def first(recordings_world):
    """The stack whose function makes endpoints."""
    stack = recordings_world.create()
    assert stack.status == "CREATE_COMPLETE", stack.reason
    return stack


def beside(first):
    """Return the parameters of a stack of recordings.yaml beside one of template.yaml."""
    return {name: first.outputs[name] for name in _OF_THE_FIRST_STACK}


def nested(template, world):
    """Return template.yaml with the address of the nested template."""
    world.s3.put_object(
        Bucket=ARTIFACTS, Key="build/recordings.yaml", Body=packaged_recordings().encode()
    )
    at = f"https://s3.us-east-1.amazonaws.com/{ARTIFACTS}/build/recordings.yaml"
    return template.replace("TemplateURL: recordings.yaml", f"TemplateURL: {at}")
