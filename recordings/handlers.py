# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Entry points of the Lambda functions: they wire clients and settings to the code."""

import functools
from dataclasses import replace
from typing import Any

import boto3
from botocore.config import Config

from recordings.api.access import ApiAccess
from recordings.api.app import Api, Dialect
from recordings.api.insanely_fast_whisper import InsanelyFastDialect
from recordings.api.jobs import JobsDialect
from recordings.api.sigv4 import PairSignatures
from recordings.api.transcribe import TranscribeDialect
from recordings.flow.accept import accept
from recordings.flow.collect import collect
from recordings.flow.finish import Announcer, close, close_row, finish
from recordings.flow.inference_notification import notify
from recordings.flow.services import FlowServices
from recordings.flow.submit import submit
from recordings.jobs import Jobs
from recordings.secret_keys import SecretKeys
from recordings.settings import RecordingSettings
from recordings.stack_deletion import StackDeletion
from recordings.table import JobTable
from recordings.webhooks.https_post import HttpsPost
from recordings.webhooks.sender import WebhookSender

# Presigned URLs would otherwise use us-east-1, whose redirect breaks the signature.
_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})

settings = functools.cache(RecordingSettings.from_environ)


@functools.cache
def client(service: str) -> Any:
    """Return the client of a service, created once per execution environment."""
    return boto3.client(service, config=_S3 if service == "s3" else None)


def table() -> JobTable:
    """Return the job table."""
    return JobTable(client("dynamodb"), settings().table, settings().days_kept)


def announcer() -> Announcer:
    """Return the announcer of ended jobs."""
    return Announcer(client("events"), client("sns"), client("stepfunctions"), table(), settings())


def jobs_of_deployment(batch_machine_arn: str = "") -> Jobs:
    """Return the jobs; a function that is created before the state machines is given the ARN."""
    known = settings()
    if batch_machine_arn:
        known = replace(known, batch_machine_arn=batch_machine_arn)
    return Jobs(client("s3"), client("stepfunctions"), table(), announcer(), known)


def services() -> FlowServices:
    """Return the clients and settings of the flow's tasks."""
    return FlowServices(client("s3"), client("sagemaker-runtime"), table(), settings())


@functools.cache
def api() -> Api:
    """Return the HTTP API."""
    jobs = jobs_of_deployment()
    secrets = client("secretsmanager")
    keys = SecretKeys(secrets, settings().api_secret_arn)
    pair_arn = settings().api_pair_secret_arn
    pair = PairSignatures(SecretKeys(secrets, pair_arn)) if pair_arn else None
    dialects: dict[str, Dialect] = {
        "jobs": JobsDialect(jobs),
        "transcribe": TranscribeDialect(jobs),
        "ifw": InsanelyFastDialect(jobs),
    }
    return Api(ApiAccess(keys, pair), dialects)


@functools.cache
def webhook_sender() -> WebhookSender:
    """Return the sender of webhooks."""
    keys = SecretKeys(client("secretsmanager"), settings().webhook_secret_arn)
    return WebhookSender(client("s3"), table(), keys, HttpsPost())


def on_accept(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Run the first state."""
    return accept(event["request"], event["execution"], services())


def on_submit(event: dict[str, Any], _: Any) -> None:
    """Start the attempt that the waiting state waits for."""
    submit(event["job"], event["media"], event["token"], services())


def on_notification(event: dict[str, Any], _: Any) -> None:
    """Handle notifications from both of the endpoint's topics."""
    notify(event, states=client("stepfunctions"), table=table())


def on_collect(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Run the state after the wait."""
    return collect(event["job"], event["media"], event["answer"], services())


def on_finish(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Run the last state, and clean up for batches and for flows that ended without it."""
    if "row" in event:
        return close_row(event, table=table(), announcer=announcer(), settings=settings())
    if "detail-type" in event:
        close(event, table=table(), announcer=announcer(), settings=settings())
        return {}
    status = finish(event["job"], event["result"], table=table(), announcer=announcer())
    return {"job": event["job"], "status": status}


def on_request(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer a direct invocation."""
    return jobs_of_deployment().answer(event)


def on_http(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer a request from API Gateway."""
    return api().answer(event)


def on_webhook(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Notify the webhook of a job, once."""
    return {"job": event["job"], "status": webhook_sender().tell(event["job"])}


def on_removal(event: dict[str, Any], context: Any) -> None:
    """Handle both custom resources of the stack."""
    tell = webhook_sender().tell if settings().webhook_secret_arn else None
    StackDeletion(client("s3"), jobs_of_deployment, tell).answer(event, context)
