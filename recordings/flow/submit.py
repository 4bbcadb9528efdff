# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Send a recording to the endpoint: its address, never its bytes."""

import json
from typing import Any

from botocore.exceptions import ClientError

from recordings.errors import NotTranscribed
from recordings.flow.services import FlowServices
from recordings.job import RecordingJob
from recordings.progress_and_cancel import progress_uri
from recordings.settings import INVOCATION_SECONDS, QUEUE_SECONDS, RAW
from recordings.sources import require_unchanged
from recordings.transcripts import OF_THE_FORM, needs_words

_NEVER = ("ValidationError", "ValidationException", "AccessDeniedException")


def submit(job_id: str, media: str, token: str, services: FlowServices) -> None:
    """Start an attempt; the token resumes the state machine when it ends.

    Parameters
    ----------
    media : str
        Address of the recording, or of MediaConvert's output.
    token : str
        Task token of the waiting state.

    Raises
    ------
    JobEnded
        It was cancelled in the meantime.
    SourceChanged, SourceUnusable
    NotTranscribed
        The endpoint does not accept requests.
    """
    table, settings = services.table, services.settings
    job = table.get(job_id)
    require_unchanged(services.s3, job)
    # Recorded first: the answer may arrive before this function continues.
    attempt = table.begin_attempt(job_id, token)
    try:
        answer = services.runtime.invoke_endpoint_async(
            EndpointName=settings.endpoint_name,
            ContentType="application/json",
            InferenceId=inference_id(job_id, attempt),
            Body=json.dumps(request_body(job, media, settings.bucket)).encode(),
            S3OutputPathExtension=job_id,
            Filename=_file_name(attempt),
            RequestTTLSeconds=QUEUE_SECONDS,
            InvocationTimeoutSeconds=INVOCATION_SECONDS,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NEVER:
            raise
        raise NotTranscribed(
            f"The endpoint {settings.endpoint_name} did not accept the request "
            f"({error.response['Error']['Message']:.300}): "
            "check that it is in service."
        ) from None
    output, failure = answer.get("OutputLocation", ""), answer.get("FailureLocation", "")
    table.remember_places(job_id, attempt, output, failure)


def request_body(job: RecordingJob, media: str, bucket: str) -> dict[str, Any]:
    """Return the request to the endpoint, as the contract defines it.

    It asks for the lossless format; the job's own formats are rendered from it later.
    """
    of_the_job = {name: one for name, one in job.parameters.items() if name not in OF_THE_FORM}
    parameters = {
        **of_the_job,
        "response_format": "protobuf",
        "word_timestamps": needs_words(job.formats, job.parameters),
        "include_segments": True,
    }
    return {
        "s3_uri" if media.startswith("s3://") else "url": media,
        "progress_s3_uri": progress_uri(job.id, bucket),
        "parameters": parameters,
    }


def inference_id(job_id: str, attempt: int) -> str:
    """Return the id that SageMaker reports an attempt under."""
    return f"{job_id}.{attempt}"


def predicted_uri(job_id: str, attempt: int, bucket: str) -> str:
    """Return where an attempt's answer is written, known without a notification."""
    return f"s3://{bucket}/{RAW}{job_id}/{_file_name(attempt)}"


def _file_name(attempt: int) -> str:
    return f"{attempt}.out"
