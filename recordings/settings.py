# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Settings of the functions: environment variables, read in one place."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recordings.errors import InvalidFunctionSetting

QUEUE_SECONDS = 21_600
"""Seconds that a request may wait in SageMaker's queue: the maximum of RequestTTLSeconds."""

INVOCATION_SECONDS = 3600
"""Seconds that a request may take: the maximum of InvocationTimeoutSeconds."""

MARGIN_SECONDS = 600
"""Additional seconds to wait for a late notification."""

MOST_ATTEMPTS = 3
"""Attempts per recording when it fails for a transient reason."""

INCOMING = "incoming/"
"""Uploads under this prefix start a job automatically."""

UPLOADS = "uploads/"
"""Uploads of the command-line client, which starts the jobs itself."""

TRANSCRIPTS = "transcripts/"
"""Finished transcripts."""

RAW, FAILURES = "raw/", "failed/"
"""The endpoint's raw answers and refusals."""

CONVERTED = "converted/"
"""MediaConvert's output."""

PROGRESS = "progress/"
"""Progress and stop objects of running jobs."""

BATCHES = "batches/"
"""Results of the distributed map, per row."""


@dataclass(frozen=True, kw_only=True)
class RecordingSettings:
    """The functions' settings; those that a function does not use are empty.

    Attributes
    ----------
    table : str
        Name of the job table.
    bucket : str
        Bucket with the prefixes above.
    endpoint_name : str
        Name of the asynchronous endpoint.
    state_machine_arn, batch_machine_arn : str
        ARNs of the state machines for one recording, and for a batch.
    error_topic_arn : str
        SNS topic for failed jobs.
    input_prefixes : tuple of str
        ``s3://bucket/prefix/`` that may be read in addition to the bucket's own prefixes.
    formats : tuple of str
        Default formats of a job.
    parameters : dict
        Default parameters of a job; its own take precedence.
    converts : bool
        Whether MediaConvert converts recordings that the endpoint cannot decode.
    url_sources : bool
        Whether the endpoint may fetch recordings from the web.
    webhook_machine_arn : str
        ARN of the state machine that notifies a webhook.
    webhook_secret_arn : str
        Secret with the keys for signing webhooks.
    api_secret_arn : str
        Secret with the API keys.
    api_pair_secret_arn : str
        Secret of the API's own key pair; empty: such signatures are not accepted.
    days_kept : int
        Days until a job's record expires.
    batch_concurrency : int
        Recordings of a batch processed at once: none may wait in SageMaker's queue longer than
        `QUEUE_SECONDS`.
    """

    table: str
    bucket: str
    endpoint_name: str = ""
    state_machine_arn: str = ""
    batch_machine_arn: str = ""
    error_topic_arn: str = ""
    input_prefixes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("json", "srt")
    parameters: dict[str, Any] = field(default_factory=dict)
    converts: bool = False
    url_sources: bool = False
    webhook_machine_arn: str = ""
    webhook_secret_arn: str = ""
    api_secret_arn: str = ""
    api_pair_secret_arn: str = ""
    days_kept: int = 90
    batch_concurrency: int = 20

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "RecordingSettings":
        """Read the function's environment variables.

        Raises
        ------
        InvalidFunctionSetting
        """
        given = environ.get
        return cls(
            table=_required(environ, "JOB_TABLE"),
            bucket=_required(environ, "RECORDINGS_BUCKET"),
            endpoint_name=given("ENDPOINT_NAME", ""),
            state_machine_arn=given("STATE_MACHINE_ARN", ""),
            batch_machine_arn=given("BATCH_MACHINE_ARN", ""),
            error_topic_arn=given("ERROR_TOPIC_ARN", ""),
            input_prefixes=_listed(given("INPUT_PREFIXES", "")),
            formats=_listed(given("FORMATS", "")) or cls.formats,
            parameters=_parameters(given("PARAMETERS", "") or "{}"),
            converts=given("CONVERTS", "false") == "true",
            url_sources=given("URL_SOURCES", "false") == "true",
            webhook_machine_arn=given("WEBHOOK_MACHINE_ARN", ""),
            webhook_secret_arn=given("WEBHOOK_SECRET_ARN", ""),
            api_secret_arn=given("API_SECRET_ARN", ""),
            api_pair_secret_arn=given("API_PAIR_SECRET_ARN", ""),
            days_kept=_count(environ, "DAYS_KEPT", 90, 3650),
            batch_concurrency=_count(environ, "BATCH_CONCURRENCY", 20, 10_000),
        )

    @property
    def wait_seconds(self) -> int:
        """Seconds to wait for an answer."""
        return QUEUE_SECONDS + INVOCATION_SECONDS + MARGIN_SECONDS


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise InvalidFunctionSetting(f"Set the function's environment variable {name}.")
    return value


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item for item in (part.strip() for part in text.split(",")) if item)


def _parameters(text: str) -> dict[str, Any]:
    try:
        parameters = json.loads(text)
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise InvalidFunctionSetting(f"Set PARAMETERS to a JSON object; it is {text[:80]!r}.")
    return parameters


def _count(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environ.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise InvalidFunctionSetting(f"Set {name} to 1 to {most:,}; it is {text!r}.")
    return int(text)
