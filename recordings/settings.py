# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the functions are configured with: environment variables, read in one place."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recordings.errors import InvalidFunctionSetting

QUEUE_SECONDS = 21_600
"""Seconds that a request may wait for an instance: SageMaker's limit of RequestTTLSeconds."""

INVOCATION_SECONDS = 3600
"""Seconds that one may take: SageMaker's limit of InvocationTimeoutSeconds."""

MARGIN_SECONDS = 600
"""Beyond both, for a notification that comes late."""

MOST_ATTEMPTS = 3
"""How often a recording is sent to the endpoint where it fails for a passing reason."""

INCOMING = "incoming/"
"""Below it, an upload makes a job by itself."""

UPLOADS = "uploads/"
"""What the command uploads for a job of its own."""

TRANSCRIPTS = "transcripts/"
"""What was asked for."""

RAW, FAILURES = "raw/", "failed/"
"""The endpoint's answers and refusals."""

CONVERTED = "converted/"
"""What MediaConvert made."""

PROGRESS = "progress/"
"""How far running jobs are, and that they are to stop."""

BATCHES = "batches/"
"""What a distributed map writes about its rows."""


@dataclass(frozen=True, kw_only=True)
class RecordingSettings:
    """The functions' settings; one that a function does not use is empty there.

    Attributes
    ----------
    table : str
        Name of the job table.
    bucket : str
        Where the prefixes above are.
    endpoint_name : str
        Of the asynchronous endpoint.
    state_machine_arn, batch_machine_arn : str
        Of the flow of one recording, and of a list of them.
    error_topic_arn : str
        SNS topic that is told of failed jobs.
    input_prefixes : tuple of str
        ``s3://bucket/prefix/`` that recordings are read from besides the bucket itself.
    formats : tuple of str
        What is written where a job does not say.
    parameters : dict
        Parameters of the contract for every job; a job's own win.
    converts : bool
        Whether MediaConvert is asked for what the endpoint cannot decode.
    url_sources : bool
        Whether the endpoint may fetch recordings from the web.
    webhook_machine_arn : str
        Of the flow that tells one webhook.
    webhook_secret_arn : str
        Secret with the keys that webhooks are signed with.
    api_secret_arn : str
        Secret with the keys of the HTTP API's callers.
    api_pair_secret_arn : str
        Secret with what they sign with; empty: their signatures are not checked here.
    days_kept : int
        After which a job's record expires.
    batch_concurrency : int
        Recordings of a batch that are under way at once: SageMaker's queue keeps none for longer
        than `QUEUE_SECONDS`.
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
        """Seconds after which an answer is not waited for any longer."""
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
