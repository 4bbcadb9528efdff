# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The deployed HTTP API: unmodified clients of Amazon Transcribe, keys, and webhooks."""

import json
import os
import subprocess
import sys
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials

from live_whisper.__main__ import main
from recordings import handlers
from recordings.api.sigv4 import PAIR_ID
from recordings.webhooks.https_post import HttpsPost
from tests.lifecycle.calls import missing
from tests.lifecycle.publishing import packaged_recordings
from tests.lifecycle.recordings.conftest import DeployedRecordings, beside, until
from tests.unit.recordings.http_api import RawBody

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


def current(deployed, output):
    """Return what a secret of the stack holds."""
    secrets = deployed.world.cloud.client("secretsmanager")
    secret = secrets.get_secret_value(SecretId=deployed.stack.outputs[output])
    return json.loads(secret["SecretString"])["current"]


def ask(deployed, method, path, body=None, key=None):
    key = current(deployed, "JobsApiKeysArn") if key is None else key
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


def test_a_task_is_cancelled_and_its_webhook_told(deployed, told):
    envelope = {
        "model_input": {"url": deployed.put("uploads/d.wav", "long"), "managed_task_id": "18"},
        "webhook_endpoint": "https://example.com/hook",
    }
    assert ask(deployed, "POST", "/ifw", envelope)[1]["status"] == "processing"
    assert ask(deployed, "GET", "/ifw/tasks") == (200, {"tasks": ["18"]})
    assert ask(deployed, "DELETE", "/ifw/cancel/18") == (200, {"status": "cancelled"})
    ((_, body, _),) = until(lambda: [one for one in told if one[1].get("task_id") == "18"])
    assert body["status"] == "error"
    assert ask(deployed, "GET", "/ifw/status/18") == (200, body)
    assert ask(deployed, "DELETE", "/ifw/cancel/18", key="")[0] == 401


def test_a_signature_is_no_key_where_api_gateway_checks_none(deployed, variables):
    request = AWSRequest("GET", f"{deployed.stack.outputs['JobsApiUrl']}/ifw/tasks")
    keys = (variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(Credentials(*keys), "execute-api", "us-east-1").add_auth(request)
    signed = dict(request.headers.items())
    assert urllib3.request("GET", request.url, headers=signed).status == 401
    with_key = {**signed, "x-admin-api-key": current(deployed, "JobsApiKeysArn")}
    assert urllib3.request("GET", request.url, headers=with_key).status == 200


@pytest.fixture(scope="module")
def paired(deployed):
    """The stack, updated to have a key pair of its own."""
    given = {"ModelS3Uri": None, "JobsApiAuthorization": "pair"}
    deployed.world.update(deployed.stack, packaged_recordings(), **given)
    assert deployed.stack.status == "UPDATE_COMPLETE", deployed.stack.reason
    handlers.api.cache_clear()  # as with the variables of a function its process changes
    return deployed


def outsider(deployed, secret):
    """Return boto3's client as it is where nothing of the account is known.

    The API is below a path here, where AWS gives it a host of its own: the path of that is signed.
    """
    api = deployed.stack.outputs["JobsApiUrl"]
    host = urlsplit(api).netloc
    client = boto3.Session(PAIR_ID, secret, region_name="eu-west-1").client(
        "transcribe", endpoint_url=f"http://{host}/transcribe"
    )

    def send(request, **_):
        headers = {**request.headers, "Host": host}
        url = f"{api}{urlsplit(request.url).path}"
        answer = urllib3.request(request.method, url, body=request.body, headers=headers)
        return AWSResponse(request.url, answer.status, answer.headers, RawBody(answer.data))

    client.meta.events.register("before-send.transcribe.*", send)
    return client


def test_an_outsider_with_the_pair_needs_nothing_else_of_aws(paired):
    _, offered = ask(paired, "POST", "/jobs/uploads", {"name": "e.wav"})
    assert urllib3.request("PUT", offered["url"], body=b"hello from outside").status == 200
    client = outsider(paired, current(paired, "JobsApiPairArn"))
    client.start_transcription_job(
        TranscriptionJobName="outside",
        LanguageCode="en-US",
        Media={"MediaFileUri": offered["s3_uri"]},
    )
    client.get_waiter("transcription_job_completed").wait(
        TranscriptionJobName="outside", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    address = get(client, "outside")["Transcript"]["TranscriptFileUri"]
    assert b"hello from outside" in urllib3.request("GET", address).data


def test_whoever_signs_with_anything_else_is_refused_by_the_function(paired, transcribe):
    for secret in ("a-secret-that-somebody-made-up", current(paired, "JobsApiKeysArn")):
        client = outsider(paired, secret)
        with pytest.raises(client.exceptions.ClientError, match="InvalidSignatureException"):
            get(client, "outside")
    with pytest.raises(transcribe.exceptions.ClientError, match="InvalidSignatureException"):
        get(transcribe, "outside")


def test_deleting_it_tells_the_webhook_of_what_runs_and_leaves_nothing(deployed, counted, told):
    hook = {"url": "https://example.com/last"}
    last = {"s3_uri": deployed.put("uploads/f.wav", "long"), "webhook": hook}
    job = ask(deployed, "POST", "/jobs", last)[1]
    until(lambda: ask(deployed, "GET", f"/jobs/{job['id']}")[1]["status"] == "TRANSCRIBING")
    handlers.webhook_sender.cache_clear()
    world = deployed.world
    assert world.delete(deployed.stack).status == "DELETE_COMPLETE", deployed.stack.reason
    ((body, _),) = [(body, headers) for url, body, headers in told if url == hook["url"]]
    assert (body["type"], body["data"]["id"]) == ("job.cancelled", job["id"])
    assert world.inventory() - counted == {}


def test_nobody_has_called_what_its_role_does_not_allow(deployed):
    runs = deployed.world.calls.invocations
    assert missing(runs) == []
    called = {need.action for run in runs for need in run.needs}
    assert {"secretsmanager:GetSecretValue", "states:StartExecution"} <= called
