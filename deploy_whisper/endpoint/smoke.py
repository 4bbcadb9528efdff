# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One transcription through the endpoint's front door, before CloudFormation is told of success."""

import json
import logging
from pathlib import Path

import boto3
import jsonschema
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import whisper_contract
from whisper_contract.transcription_pb2 import TranscribeRequest
from whisper_sagemaker.errors import SmokeTestFailed
from whisper_sagemaker.transient import is_transient

log = logging.getLogger(__name__)

CLIP = Path("whisper_endpoint/selftest.wav")
"""The clip that the endpoint itself is tested with at its start, within the endpoint's tree."""


def transcribe_known_clip(endpoint_name: str, tree: Path) -> bool:
    """Send the clip in the compact form and check that the answer is the one that LCA reads.

    Parameters
    ----------
    tree : Path
        Folder with the endpoint program.

    Returns
    -------
    bool
        False where it was too early to tell: overloaded, the connection lost, or our tag not yet
        seen by IAM.

    Raises
    ------
    SmokeTestFailed
        If the endpoint refuses, or answers with something else than a transcript with text.
    """
    audio = (tree / CLIP).read_bytes()
    # In whatever language the model has: not every one has English.
    asked = TranscribeRequest(audio=audio)
    runtime = boto3.client(
        "sagemaker-runtime",
        config=Config(read_timeout=65, retries={"total_max_attempts": 1}),
    )
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name,
            ContentType="application/x-protobuf",
            Accept="application/json",
            Body=asked.SerializeToString(),
        )
        transcript = json.loads(answer["Body"].read())
        jsonschema.validate(transcript, whisper_contract.response_schema())
    except (BotoCoreError, ClientError) as error:
        if _is_too_early(error):
            log.info("too early for the known clip: %s", error)
            return False
        raise SmokeTestFailed(_message(_detail(error))) from error
    except (ValueError, jsonschema.ValidationError) as error:
        raise SmokeTestFailed(_message(str(error).splitlines()[0])) from error
    if not transcript["text"].strip():
        raise SmokeTestFailed(_message("the text was empty"))
    log.info("the endpoint has transcribed the known clip")
    return True


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


def _message(cause: str) -> str:
    return f"Check that the weights are a Whisper model: a known clip failed: {cause[:150]}"
