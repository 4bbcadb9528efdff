# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Entry points of the Lambda functions: clients and settings, wired to what each does."""

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
from recordings.flow.notify import notify
from recordings.flow.services import FlowServices
from recordings.flow.submit import submit
from recordings.jobs import Jobs
from recordings.removal import Removal
from recordings.secret_keys import SecretKeys
from recordings.settings import RecordingSettings
from recordings.table import JobTable
from recordings.webhooks.https_post import HttpsPost
from recordings.webhooks.sender import WebhookSender

# Signed addresses are else those of us-east-1, which sends readers on, and their signature with it.
_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})

settings = functools.cache(RecordingSettings.from_environ)


@functools.cache
def client(service: str) -> Any:
    """Return the client of a service, one for the life of a function's environment."""
    return boto3.client(service, config=_S3 if service == "s3" else None)


def table() -> JobTable:
    """Return the job table."""
    return JobTable(client("dynamodb"), settings().table, settings().days_kept)


def announcer() -> Announcer:
    """Return what tells of ended jobs."""
    return Announcer(client("events"), client("sns"), client("stepfunctions"), table(), settings())


def jobs_of_deployment(batch_machine_arn: str = "") -> Jobs:
    """Return the jobs; the function that is there before the flows is told of them."""
    known = settings()
    if batch_machine_arn:
        known = replace(known, batch_machine_arn=batch_machine_arn)
    return Jobs(client("s3"), client("stepfunctions"), table(), announcer(), known)


def services() -> FlowServices:
    """Return what the flow's tasks work with."""
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
    """Return what tells webhooks."""
    keys = SecretKeys(client("secretsmanager"), settings().webhook_secret_arn)
    return WebhookSender(client("s3"), table(), keys, HttpsPost())


def on_accept(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Run the first state."""
    return accept(event["request"], event["execution"], services())


def on_submit(event: dict[str, Any], _: Any) -> None:
    """Begin what the waiting state waits for."""
    submit(event["job"], event["media"], event["token"], services())


def on_notification(event: dict[str, Any], _: Any) -> None:
    """Take what both topics of the endpoint say."""
    notify(event, states=client("stepfunctions"), table=table())


def on_collect(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Run the state after the wait."""
    return collect(event["job"], event["media"], event["answer"], services())


def on_finish(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Run the last state, and what batches and the rule call for flows that ended otherwise."""
    if "row" in event:
        return close_row(event, table=table(), announcer=announcer(), settings=settings())
    if "detail-type" in event:
        close(event, table=table(), announcer=announcer(), settings=settings())
        return {}
    status = finish(event["job"], event["result"], table=table(), announcer=announcer())
    return {"job": event["job"], "status": status}


def on_request(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer what people ask."""
    return jobs_of_deployment().answer(event)


def on_http(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer API Gateway."""
    return api().answer(event)


def on_webhook(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Tell the webhook of a job, once."""
    return {"job": event["job"], "status": webhook_sender().tell(event["job"])}


def on_removal(event: dict[str, Any], context: Any) -> None:
    """Answer for both custom resources of the stack."""
    tell = webhook_sender().tell if settings().webhook_secret_arn else None
    Removal(client("s3"), jobs_of_deployment, tell).answer(event, context)
