# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Asynchronous invocations: retries, and what is told when they are used up."""

import datetime
import json
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any

from local_cloud.aws_lambda.function_process import FunctionAnswer

log = logging.getLogger(__name__)

RETRY_PAUSES = (1.0, 2.0)
"""Seconds before the retries; Lambda waits for as many minutes."""

_MOST_AT_ONCE = 8


class AsynchronousInvocations:
    """Lambda's queue of events, which `call` takes one by one.

    `tell` is given the ARN of a destination and a message for it, where a function has a
    destination for events that it failed.
    """

    def __init__(
        self, call: Callable[[Any, Any], FunctionAnswer], tell: Callable[[str, str], None]
    ) -> None:
        self._call = call
        self._tell = tell
        self._closing = threading.Event()
        self._slots = threading.Semaphore(_MOST_AT_ONCE)

    def add(self, function: Any, event: Any) -> None:
        """Invoke one of moto's functions soon."""
        name = f"event for {function.function_name}"
        threading.Thread(target=self._work, args=(function, event), name=name, daemon=True).start()

    def close(self) -> None:
        """Drop the events whose turn has not come."""
        self._closing.set()

    def _work(self, function: Any, event: Any) -> None:
        config = _invoke_config(function)
        retries = int(config.get("MaximumRetryAttempts", len(RETRY_PAUSES)))
        for pause in (*RETRY_PAUSES[:retries], None):
            with self._slots:
                if self._closing.is_set():
                    return
                invocation = self._call(function, event)
            if not invocation.is_error:
                return
            if pause is not None and self._closing.wait(pause):
                return
        log.warning("%s has failed an event for good: %s", function.function_name, invocation)
        destination = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if destination:
            self._tell(destination, _failure(function, event, invocation, retries + 1))


def _invoke_config(function: Any) -> dict[str, Any]:
    """Return the function's event invoke config; moto keeps the earlier ones too."""
    configs = function.event_invoke_config
    config: dict[str, Any] = configs[-1].response() if configs else {}
    return config


def _failure(function: Any, event: Any, invocation: FunctionAnswer, count: int) -> str:
    """Return what Lambda sends to a destination."""
    context = {
        "requestId": str(uuid.uuid4()),
        "functionArn": f"{function.function_arn}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": count,
    }
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "requestContext": context,
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": json.loads(invocation.payload),
        }
    )
