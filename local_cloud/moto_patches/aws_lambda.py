# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Lambda functions: running their code, queueing events, reporting errors."""

import json
from typing import Any
from unittest.mock import patch

import moto.awslambda.models
import moto.backends
import moto.events.models
import moto.s3.notifications
import moto.sns.models
import moto.sqs.models
import moto.stepfunctions.parser.models
import moto.stepfunctions.responses

from local_cloud.moto_patches.parts import Cloud


def functions_run_their_code(cloud: Cloud) -> Any:
    """Run functions in our own processes: moto requires Docker."""

    def _invoke_lambda(function: Any, event: Any = None) -> tuple[str, bool, str]:
        invocation = cloud.call(function, _event(event))
        return invocation.payload, invocation.is_error, ""

    return patch.object(moto.awslambda.models.LambdaFunction, "_invoke_lambda", _invoke_lambda)


def functions_fail_as_unhandled(_: Cloud) -> Any:
    """Report errors as Unhandled: moto says Handled, which Lambda never does."""
    kind = moto.awslambda.models.LambdaBackend
    invoke = kind.invoke

    def invoke_and_name(
        backend: Any,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: dict[str, str],
    ) -> Any:
        payload = invoke(backend, function_name, qualifier, body, headers, response_headers)
        if "x-amz-function-error" in response_headers:
            response_headers["x-amz-function-error"] = "Unhandled"
        return payload

    return patch.object(kind, "invoke", invoke_and_name)


def events_are_answered_before_they_are_handled(cloud: Cloud) -> Any:
    """Queue invocations of type Event: moto makes the caller wait."""
    kind = moto.awslambda.models.LambdaFunction
    invoke = kind.invoke

    def invoke_or_queue(function: Any, body: str, headers: Any, answered: Any) -> Any:
        if headers.get("x-amz-invocation-type") != "Event":
            return invoke(function, body, headers, answered)
        cloud.queue(function, json.loads(body or "{}"))
        return ""

    return patch.object(kind, "invoke", invoke_or_queue)


def _event(event: Any) -> Any:
    """Return an invocation's event; moto passes an empty one as text."""
    return json.loads(event) if isinstance(event, str) else event
