# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The smoke test: one transcription through SageMaker, before success is reported."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from jsonschema import Draft202012Validator, ValidationError

import whisper_contract
from deploy_whisper.endpoint.asynchronous import SMOKE_TEST, AsynchronousInference
from whisper_contract.transcription_pb2 import TranscribeRequest
from whisper_sagemaker import names
from whisper_sagemaker.errors import SmokeTestFailed
from whisper_sagemaker.transient import is_transient

log = logging.getLogger(__name__)

CLIP = Path("whisper_endpoint/selftest.wav")
"""The clip of the endpoint's own self-test, relative to the endpoint's tree."""

_QUEUE_SECONDS = 60
_PACE_SECONDS = 2


def transcribe_known_clip(endpoint_name: str, tree: Path) -> bool:
    """Send the clip in protobuf form and check that the response is the JSON that LCA reads.

    Parameters
    ----------
    tree : Path
        Folder with the endpoint program.

    Returns
    -------
    bool
        False if it is too early to tell: overload, a lost connection, or IAM has not seen our tag.

    Raises
    ------
    SmokeTestFailed
        If the endpoint refuses, or its response is not a transcript with text.
    """
    runtime = boto3.client(
        "sagemaker-runtime",
        config=Config(read_timeout=65, retries={"total_max_attempts": 1}),
    )
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name,
            ContentType="application/x-protobuf",
            Accept="application/json",
            Body=_request(tree),
        )
        body = answer["Body"].read()
    except (BotoCoreError, ClientError) as error:
        if _is_too_early(error):
            log.info("too early for the known clip: %s", error)
            return False
        raise _failed(_detail(error)) from error
    _check(body)
    return True


def transcribe_through_the_queue(
    endpoint_name: str,
    tree: Path,
    queue: AsynchronousInference,
    request_id: str,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Do the same with an asynchronous endpoint, which does not allow `InvokeEndpoint`.

    Parameters
    ----------
    request_id : str
        CloudFormation's; identifies the response to an earlier poll's request, which also counts.
    sleep : callable, optional
        Waits the given number of seconds; replaced in tests.

    Returns
    -------
    bool
        False without a response within a minute, for instance if an instance has to start first.

    Raises
    ------
    SmokeTestFailed
        If the endpoint refuses, or its response is not a transcript with text.
    """
    s3, name = boto3.client("s3"), f"{names.digest(request_id)[:24]}.json"
    body = _object(s3, f"{queue.output_s3_uri}/{SMOKE_TEST}/{name}")
    if body is None:
        try:
            asked = boto3.client("sagemaker-runtime").invoke_endpoint_async(
                EndpointName=endpoint_name,
                ContentType="application/x-protobuf",
                Accept="application/json",
                Body=_request(tree),
                InferenceId=f"{SMOKE_TEST}-{name}",
                S3OutputPathExtension=SMOKE_TEST,
                Filename=name,
            )
        except (BotoCoreError, ClientError) as error:
            if _is_too_early(error):
                log.info("too early for the known clip: %s", error)
                return False
            raise _failed(_detail(error)) from error
        body = _awaited(s3, asked, sleep)
    if body is None:
        return False
    _check(body)
    s3.delete_object(**_place(f"{queue.output_s3_uri}/{SMOKE_TEST}/{name}"))
    return True


def _request(tree: Path) -> bytes:
    """Return the request, without a language, since not every model has English."""
    return TranscribeRequest(audio=(tree / CLIP).read_bytes()).SerializeToString()


def _check(body: bytes) -> None:
    """Raise SmokeTestFailed unless the response is a transcript with text."""
    try:
        transcript = json.loads(body)
        # Unlike jsonschema.validate, takes the schema, which has its own tests, as it is.
        Draft202012Validator(whisper_contract.response_schema()).validate(transcript)
    except (ValueError, ValidationError) as error:
        raise _failed(str(error).splitlines()[0]) from error
    if not transcript["text"].strip():
        raise _failed("the text was empty")
    log.info("the endpoint has transcribed the known clip")


def _awaited(s3: Any, asked: dict[str, str], sleep: Callable[[float], None]) -> bytes | None:
    """Wait for the response; return None if it takes more than a minute."""
    for _ in range(_QUEUE_SECONDS // _PACE_SECONDS):
        body = _object(s3, asked["OutputLocation"])
        if body is not None:
            return body
        refusal = _object(s3, asked["FailureLocation"]) if "FailureLocation" in asked else None
        if refusal is not None:
            raise _failed(refusal.decode(errors="replace"))
        sleep(_PACE_SECONDS)
    log.info("the known clip still waits: %s", asked["OutputLocation"])
    return None


def _object(s3: Any, uri: str) -> bytes | None:
    try:
        body: bytes = s3.get_object(**_place(uri))["Body"].read()
    except ClientError as error:
        # AccessDenied is also the answer while IAM propagates, and for missing objects.
        if error.response["Error"]["Code"] in {"AccessDenied", "NoSuchKey"}:
            return None
        raise
    return body


def _place(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def _is_too_early(error: BotoCoreError | ClientError) -> bool:
    if not isinstance(error, ClientError):
        return is_transient(error)
    code = error.response["Error"]["Code"]
    if code == "ModelError":
        return error.response.get("OriginalStatusCode") in {429, 503}
    return code in {"AccessDeniedException", "ModelNotReadyException"} or is_transient(error)


def _detail(error: BotoCoreError | ClientError) -> str:
    if not isinstance(error, ClientError):
        return str(error).splitlines()[0]
    return str(error.response.get("OriginalMessage") or error.response["Error"]["Message"])


def _failed(cause: str) -> SmokeTestFailed:
    """Return the error, with the cause at the end of its message."""
    said = f"Check that the weights are a Whisper model: a known clip failed: {cause[:150]}"
    return SmokeTestFailed(said)
