# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The deployed HTTP API: unmodified clients of Amazon Transcribe, keys, and webhooks."""

import json
import os
import subprocess
import sys
from unittest.mock import patch

import boto3
import pytest
import urllib3

from live_whisper.__main__ import main
from recordings import handlers
from recordings.webhooks.https_post import HttpsPost
from tests.lifecycle.calls import missing
from tests.lifecycle.publishing import packaged_recordings
from tests.lifecycle.recordings.conftest import DeployedRecordings, beside, until

CACHES = (handlers.client, handlers.api, handlers.webhook_sender)


@pytest.fixture(scope="module")
def told():
    """What webhooks were told: what a receiver on the internet would get."""
    heard = []

    def post(self, url, body, headers):
        heard.append((url, json.loads(body), headers))
        return 200

    for cache in CACHES:
        cache.cache_clear()
    with patch.object(HttpsPost, "__call__", post):
        yield heard
    for cache in CACHES:
        cache.cache_clear()


@pytest.fixture(scope="module")
def counted(first, recordings_world):
    return recordings_world.inventory()


@pytest.fixture(scope="module")
def deployed(first, counted, recordings_world, told):
    given = {**beside(first), "EnableJobsApi": "true", "JobsApiConcurrency": "0"}
    stack = recordings_world.create(packaged_recordings(), ModelS3Uri=None, **given)
    assert stack.status == "CREATE_COMPLETE", stack.reason
    return DeployedRecordings(recordings_world, stack)


@pytest.fixture(scope="module")
def variables(deployed, tmp_path_factory):
    """What `transcribe-api setup` prints, and the keys of the cloud."""
    folder = tmp_path_factory.mktemp("data")
    printed: list[str] = []
    with patch("builtins.print", printed.append):
        main(["transcribe-api", "setup", "--stack", deployed.stack.name, "--to", str(folder)])
    given = dict(line.removeprefix("export ").split("=", 1) for line in printed)
    return {**deployed.world.cloud.environment(), **given}


@pytest.fixture(scope="module")
def transcribe(variables):
    with patch.dict(os.environ, variables):
        return boto3.Session().client("transcribe")


def ask(deployed, method, path, body=None, key=None):
    secrets = deployed.world.cloud.client("secretsmanager")
    secret = secrets.get_secret_value(SecretId=deployed.stack.outputs["JobsApiKeysArn"])
    key = json.loads(secret["SecretString"])["current"] if key is None else key
    url = f"{deployed.stack.outputs['JobsApiUrl']}{path}"
    answer = urllib3.request(method, url, json=body, headers={"x-admin-api-key": key})
    return answer.status, answer.json()


def get(transcribe, name):
    return transcribe.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]


def test_boto3_as_it_is_has_a_recording_transcribed(deployed, transcribe):
    uri = deployed.put("uploads/a.wav", "hello from boto3")
    transcribe.start_transcription_job(
        TranscriptionJobName="first",
        LanguageCode="en-US",
        Media={"MediaFileUri": uri},
        Subtitles={"Formats": ["srt"]},
    )
    transcribe.get_waiter("transcription_job_completed").wait(
        TranscriptionJobName="first", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    job = get(transcribe, "first")
    answer = urllib3.request("GET", job["Transcript"]["TranscriptFileUri"])
    assert answer.status == 200
    written = answer.json()
    assert (written["jobName"], written["status"]) == ("first", "COMPLETED")
    assert "hello from boto3" in written["results"]["transcripts"][0]["transcript"]
    (subtitles,) = job["Subtitles"]["SubtitleFileUris"]
    assert b"-->" in urllib3.request("GET", subtitles).data
    with pytest.raises(transcribe.exceptions.ConflictException):
        transcribe.start_transcription_job(
            TranscriptionJobName="first", LanguageCode="en-US", Media={"MediaFileUri": uri}
        )
    (listed,) = transcribe.list_transcription_jobs()["TranscriptionJobSummaries"]
    assert listed["TranscriptionJobName"] == "first"
    transcribe.delete_transcription_job(TranscriptionJobName="first")
    with pytest.raises(transcribe.exceptions.BadRequestException):
        get(transcribe, "first")


def test_the_aws_cli_as_it_is(deployed, variables):
    deployed.put("uploads/b.wav", "hello")
    command = [sys.executable, "-m", "awscli", "transcribe", "list-transcription-jobs"]
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"TranscriptionJobSummaries": []}


def test_a_client_that_signs_for_another_service_is_refused(variables):
    with patch.dict(os.environ, {**variables, "AWS_DATA_PATH": ""}):
        client = boto3.Session().client("transcribe")
    with pytest.raises(client.exceptions.ClientError) as refused:
        get(client, "first")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_key_is_for_its_route_alone(deployed):
    assert ask(deployed, "GET", "/ifw/tasks") == (200, {"tasks": []})
    assert ask(deployed, "GET", "/ifw/tasks", key="wrong") == (401, {"detail": "Unauthorized"})
    assert ask(deployed, "GET", "/jobs") == (403, {"message": "Forbidden"})


def test_a_task_in_the_background_is_told_by_webhook(deployed, told):
    task = {
        "url": deployed.put("uploads/c.wav", "hello from far"),
        "is_async": True,
        "webhook": {"url": "https://example.com/hook", "header": {"X-A": "b"}},
        "managed_task_id": "17",
    }
    assert ask(deployed, "POST", "/ifw", task)[1]["status"] == "processing"
    ((url, body, headers),) = until(lambda: told)
    assert (url, headers["X-A"], body["task_id"]) == (task["webhook"]["url"], "b", "17")
    assert "hello from far" in body["output"]["text"]
    assert ask(deployed, "GET", "/ifw/status/17") == (200, body)


def test_nobody_has_called_what_its_role_does_not_allow(deployed):
    runs = deployed.world.calls.invocations
    assert missing(runs) == []
    called = {need.action for run in runs for need in run.needs}
    assert {"secretsmanager:GetSecretValue", "states:StartExecution"} <= called


def test_deleting_it_leaves_nothing(deployed, counted):
    world = deployed.world
    assert world.delete(deployed.stack).status == "DELETE_COMPLETE", deployed.stack.reason
    assert world.inventory() - counted == {}
