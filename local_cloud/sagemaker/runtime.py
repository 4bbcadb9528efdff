# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SageMaker Runtime: ``POST /endpoints/<name>/invocations``, with its limits and errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from local_cloud import ACCOUNT_ID
from local_cloud.sagemaker.control_plane import SageMaker, ValidationException

MAX_BODY_BYTES = 6_291_456
"""Maximum request body, from the API's model."""

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class RuntimeAnswer:
    """A response to the caller."""

    status: int
    headers: dict[str, str]
    body: bytes


class Runtime:
    """Invokes the endpoints of one control plane; `timeout` is the container's, in seconds."""

    def __init__(self, sagemaker: SageMaker, timeout: float = TIMEOUT_SECONDS) -> None:
        self._sagemaker = sagemaker
        self._timeout = timeout
        self._http = urllib3.PoolManager(maxsize=64, retries=False, timeout=timeout)

    def invoke(self, endpoint: str, headers: Mapping[str, str], body: bytes) -> RuntimeAnswer:
        """Pass a request to the endpoint's container.

        The container's adapter passes on ``Content-Type``, ``Accept`` and ``X-Amzn-SageMaker-…``
        from the caller's `headers`.
        """
        if len(body) > MAX_BODY_BYTES:
            return refusal(413, "ValidationError", f"Body is larger than {MAX_BODY_BYTES} bytes.")
        try:
            self._refuse_one_with_a_queue(endpoint)
            answer = self._send("POST", endpoint, "/", headers, body)
        except ValidationException as error:
            return refusal(400, "ValidationError", str(error))
        except urllib3.exceptions.ReadTimeoutError:
            message = (
                "Your invocation timed out while waiting for a response from container primary. "
                "Review the latency metrics for each container in Amazon CloudWatch."
            )
            return model_error(endpoint, 0, message)
        except urllib3.exceptions.HTTPError:
            return model_error(endpoint, 500, "The container does not answer.")
        if not 200 <= answer.status < 300:
            return model_error(endpoint, answer.status, answer.data.decode(errors="replace"))
        kept = _kept(answer.headers)
        kept["x-Amzn-Invoked-Production-Variant"] = "AllTraffic"
        return RuntimeAnswer(200, kept, answer.data)

    def ask(
        self, method: str, path: str, endpoint: str, headers: Mapping[str, str], body: bytes
    ) -> RuntimeAnswer:
        """Call the container at another path, as clients of non-SageMaker APIs do."""
        try:
            answer = self._send(method, endpoint, path, headers, body)
        except ValidationException as error:
            return refusal(404, "ValidationError", str(error))
        except urllib3.exceptions.HTTPError:
            return refusal(504, "ModelError", "The container does not answer.")
        kept = _kept(answer.headers)
        return RuntimeAnswer(answer.status, kept, answer.data)

    def _refuse_one_with_a_queue(self, endpoint: str) -> None:
        if self._sagemaker.queue_of(endpoint):
            message = f"Endpoint {endpoint} of account {ACCOUNT_ID} is asynchronous: "
            raise ValidationException(f"{message}call InvokeEndpointAsync.")

    def _send(
        self, method: str, endpoint: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Any:
        url = f"{self._sagemaker.serving_address(endpoint)}{path}"
        return self._http.request(method, url, body=body or None, headers=_passed(headers))


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    passed = _kept(headers, ("content-type", "accept"))
    # As the image's adapter does for a missing Accept.
    if not any(name.lower() == "accept" for name in passed):
        passed["Accept"] = "application/json"
    return passed


def _kept(headers: Mapping[str, str], names: tuple[str, ...] = ("content-type",)) -> dict[str, str]:
    """Return the named headers, and SageMaker's own."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in names or name.lower().startswith("x-amzn-sagemaker-")
    }


def refusal(status: int, code: str, message: str, **more: Any) -> RuntimeAnswer:
    """Return an error in the service's format."""
    detail = json.dumps({"Code": code, "Message": message, **more})
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return RuntimeAnswer(status, headers, detail.encode())


def model_error(endpoint: str, status: int, original: str) -> RuntimeAnswer:
    """Return the service's error (424) for a container's error response."""
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    codes = {"client": "CLIENT_ERROR_FROM_MODEL", "server": "INTERNAL_FAILURE_FROM_MODEL"}
    return refusal(
        424,
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{original}". '
        f"See {group} in CloudWatch Logs.",
        ErrorCode=codes[side],
        LogStreamArn=f"arn:aws:logs:local:{ACCOUNT_ID}:log-group:{group}",
        OriginalMessage=original,
        OriginalStatusCode=status,
    )
