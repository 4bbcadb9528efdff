# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The log group that SageMaker creates for an endpoint."""

import logging
import re
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

_STREAMS = 3
# Lines per stream: the program's own error comes before many lines of Ray about its end.
_LINES = 1000
_REFUSAL = re.compile(r".*?whisper_endpoint\.errors\.\w+: ([^\x1b]+)")


def group(endpoint_name: str) -> str:
    """Return the name of the endpoint's log group."""
    return f"/aws/sagemaker/Endpoints/{endpoint_name}"


def last_lines(client: Any, endpoint_name: str) -> list[str]:
    """Return the containers' last lines, newest last.

    Empty if there are none or the log cannot be read, since the failure to report matters more.
    """
    name = group(endpoint_name)
    try:
        streams = client.describe_log_streams(
            logGroupName=name, orderBy="LastEventTime", descending=True, limit=_STREAMS
        )["logStreams"]
        events = [
            event
            for stream in streams
            for event in client.get_log_events(
                logGroupName=name, logStreamName=stream["logStreamName"], limit=_LINES
            )["events"]
        ]
    except (BotoCoreError, ClientError) as error:
        log.info("no lines of %s: %s", name, error)
        return []
    events.sort(key=lambda event: event["timestamp"])
    return [line for event in events if (line := " ".join(event["message"].split()))]


def refusal(lines: Iterable[str]) -> str:
    """Return the first error with which the endpoint's program refused to start; empty if none."""
    found = (_REFUSAL.match(line) for line in lines)
    return next((match[1].strip() for match in found if match), "")


def keep(client: Any, endpoint_name: str, days: int) -> None:
    """Set the log's retention in days; by default, SageMaker's logs never expire."""
    try:
        client.put_retention_policy(logGroupName=group(endpoint_name), retentionInDays=days)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        log.info("%s is not there yet: nothing was logged", group(endpoint_name))
