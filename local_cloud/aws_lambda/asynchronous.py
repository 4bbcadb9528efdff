# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Asynchronous invocations: retries, and failure destinations."""

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
"""Seconds before each retry; Lambda waits minutes."""

_MOST_AT_ONCE = 8


class AsynchronousInvocations:
    """Lambda's event queue; `call` runs each event.

    `tell` sends a message to the ARN of a function's on-failure destination.
    """

    def __init__(
        self, call: Callable[[Any, Any], FunctionAnswer], tell: Callable[[str, str], None]
    ) -> None:
        self._call = call
        self._tell = tell
        self._closing = threading.Event()
        self._slots = threading.Semaphore(_MOST_AT_ONCE)

    def add(self, function: Any, event: Any) -> None:
        """Queue an invocation of one of moto's functions."""
        name = f"event for {function.function_name}"
        threading.Thread(target=self._work, args=(function, event), name=name, daemon=True).start()

    def close(self) -> None:
        """Drop the queued events."""
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
    """Return the function's latest event invoke config; moto also keeps earlier ones."""
    configs = function.event_invoke_config
    config: dict[str, Any] = configs[-1].response() if configs else {}
    return config


def _failure(function: Any, event: Any, invocation: FunctionAnswer, count: int) -> str:
    """Return the record that Lambda sends to a failure destination."""
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
