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

import contract
from whisper_sagemaker.errors import SmokeTestFailed

log = logging.getLogger(__name__)

CLIP = Path("whisper_endpoint/selftest.wav")
"""The clip that the endpoint itself is tested with at its start, within the endpoint's tree."""


def transcribe_known_clip(endpoint_name: str, tree: Path) -> None:
    """Send the clip as LCA's client sends audio and check the answer against the contract.

    Parameters
    ----------
    endpoint_name : str
    tree : Path
        Folder with the endpoint program.

    Raises
    ------
    SmokeTestFailed
        If the endpoint refuses, or answers with something else than a transcript with text.
    """
    audio = (tree / CLIP).read_bytes()
    body = json.dumps({"audio_input": list(audio), "parameters": {"language": "en"}})
    runtime = boto3.client(
        "sagemaker-runtime",
        config=Config(read_timeout=65, retries={"mode": "standard", "max_attempts": 3}),
    )
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name, ContentType="application/json", Body=body
        )
        transcript = json.loads(answer["Body"].read())
        jsonschema.validate(transcript, contract.response_schema())
    except ClientError as error:
        detail = error.response.get("OriginalMessage") or error.response["Error"]["Message"]
        raise SmokeTestFailed(_message(str(detail))) from error
    except (BotoCoreError, ValueError, jsonschema.ValidationError) as error:
        raise SmokeTestFailed(_message(str(error).splitlines()[0])) from error
    if not transcript["text"].strip():
        raise SmokeTestFailed(_message("the text was empty"))
    log.info("the endpoint has transcribed the known clip")


def _message(cause: str) -> str:
    return f"Check that the weights are a Whisper model: a known clip failed: {cause[:150]}"
