# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Asynchronous inference: a queue per endpoint, results in S3, notifications, metrics."""

import base64
import datetime
import json
import logging
import re
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
from botocore.exceptions import ClientError

from local_cloud import ACCOUNT_ID, REGION
from local_cloud.sagemaker.control_plane import SageMaker, ValidationException
from local_cloud.sagemaker.runtime import RuntimeAnswer, refusal

log = logging.getLogger(__name__)

MAX_INLINE_BYTES = 128_000
"""Limit of an inline body, in a request or a notification."""

_INLINE = "data:;base64,"
_EACH = 4
"""Default of concurrent requests per instance; SageMaker chooses."""

_PACE_SECONDS = 0.2
_METRIC_SECONDS = 5.0
_RANGES = {"requestttlseconds": (60, 21_600), "invocationtimeoutseconds": (1, 3_600)}
_DEFAULTS = {"requestttlseconds": 21_600, "invocationtimeoutseconds": 900}
_PATTERNS = {
    "inference-id": r"\S[ -~]{0,63}",
    "s3outputpathextension": r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]{1,512}",
    "filename": r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9_.-]{0,31}",
}


def _now() -> str:
    now = datetime.datetime.now(datetime.UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class _Waiting:
    """A request in the queue."""

    endpoint: str
    inference_id: str
    fields: dict[str, str]
    source: str
    output: str
    failure: str
    expires: float
    seconds: int
    received: str = field(default_factory=_now)


class AsynchronousRuntime:
    """``InvokeEndpointAsync`` for the endpoints of one control plane that have a queue.

    `clients` returns a boto3 client by service name. Requests go to an endpoint's container while
    it has instances, up to its config's limit per instance.
    """

    def __init__(self, sagemaker: SageMaker, clients: Callable[[str], Any]) -> None:
        self._sagemaker = sagemaker
        self._clients = clients
        self._http = urllib3.PoolManager(maxsize=16, retries=False)
        self._lock = threading.Lock()
        self._queues: dict[str, deque[_Waiting]] = defaultdict(deque)
        self._running: dict[str, int] = defaultdict(int)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="asynchronous", daemon=True)

    def start(self) -> None:
        """Start processing the queues."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and drop queued requests."""
        self._closing.set()
        self._thread.join()

    def invoke(self, endpoint: str, headers: Mapping[str, str], body: bytes) -> RuntimeAnswer:
        """Queue a request and respond 202, or refuse it."""
        start = "x-amzn-sagemaker-"
        fields = {
            name.lower().removeprefix(start): value
            for name, value in headers.items()
            if name.lower().startswith(start)
        }
        try:
            waiting = self._checked(endpoint, fields, body)
        except ValidationException as error:
            return refusal(400, "ValidationError", str(error))
        with self._lock:
            self._queues[endpoint].append(waiting)
        answered = {
            "Content-Type": "application/json",
            "X-Amzn-SageMaker-OutputLocation": waiting.output,
            "X-Amzn-SageMaker-FailureLocation": waiting.failure,
        }
        text = json.dumps({"InferenceId": waiting.inference_id})
        return RuntimeAnswer(202, answered, text.encode())

    def backlog(self, endpoint: str) -> int:
        """Return the number of requests in progress or queued."""
        with self._lock:
            return len(self._queues[endpoint]) + self._running[endpoint]

    def _checked(self, endpoint: str, fields: dict[str, str], body: bytes) -> _Waiting:
        config = self._sagemaker.queue_of(endpoint)
        if not config:
            message = f"Endpoint {endpoint} of account {ACCOUNT_ID} is not asynchronous: "
            raise ValidationException(f"{message}call InvokeEndpoint.")
        if bool(body) == ("inputlocation" in fields):
            raise ValidationException("Exactly one of InputLocation and Body must be given.")
        if len(body) > MAX_INLINE_BYTES:
            raise ValidationException(f"Body is larger than {MAX_INLINE_BYTES} bytes.")
        for name, pattern in _PATTERNS.items():
            if name in fields and not re.fullmatch(pattern, fields[name]):
                raise ValidationException(f"Value at '{name}' failed to satisfy constraint.")
        times = {name: int(fields.get(name, _DEFAULTS[name])) for name in _RANGES}
        for name, (least, most) in _RANGES.items():
            if not least <= times[name] <= most:
                raise ValidationException(f"Value at '{name}' must be from {least} to {most}.")
        output, name = config["OutputConfig"], str(uuid.uuid4())
        source = fields.get("inputlocation") or f"{_INLINE}{base64.b64encode(body).decode()}"
        within = f"{fields['s3outputpathextension']}/" if "s3outputpathextension" in fields else ""
        failures = output.get("S3FailurePath") or output["S3OutputPath"]
        return _Waiting(
            endpoint,
            fields.get("inference-id", name),
            fields,
            source,
            f"{output['S3OutputPath']}/{within}{fields.get('filename', f'{name}.out')}",
            f"{failures}/{within}{fields.get('filename', f'{name}-error.out')}",
            time.monotonic() + times["requestttlseconds"],
            times["invocationtimeoutseconds"],
        )

    def _run(self) -> None:
        told = 0.0
        while not self._closing.wait(_PACE_SECONDS):
            with self._lock:
                endpoints = [name for name in self._queues if self._queues[name]]
            for name in endpoints:
                self._start_what_fits(name)
            if time.monotonic() - told > _METRIC_SECONDS:
                told = time.monotonic()
                self._tell_metrics()

    def _start_what_fits(self, name: str) -> None:
        try:
            most = self._capacity(name)
        except ValidationException:  # the endpoint is gone
            with self._lock:
                self._queues.pop(name, None)
            return
        while True:
            with self._lock:
                queue = self._queues[name]
                expired = queue and queue[0].expires < time.monotonic()
                if not queue or (self._running[name] >= most and not expired):
                    return
                waiting = queue.popleft()
                self._running[name] += 1
            threading.Thread(
                target=self._work, args=(waiting,), name=f"request to {name}", daemon=True
            ).start()

    def _capacity(self, name: str) -> int:
        client = self._sagemaker.queue_of(name).get("ClientConfig", {})
        each = client.get("MaxConcurrentInvocationsPerInstance", _EACH)
        return int(each * self._sagemaker.instance_count(name))

    def _work(self, waiting: _Waiting) -> None:
        try:
            if waiting.expires < time.monotonic():
                self._fail(waiting, b"", "ClientError: The request expired in the queue.")
            else:
                self._ask(waiting)
        except Exception:
            log.exception("request %s to %s", waiting.inference_id, waiting.endpoint)
        finally:
            with self._lock:
                self._running[waiting.endpoint] -= 1

    def _ask(self, waiting: _Waiting) -> None:
        try:
            body = self._input(waiting.source)
        except ClientError as error:
            self._fail(waiting, b"", f"ClientError: The input could not be read: {error}")
            return
        kind = waiting.fields.get("content-type", "application/octet-stream")
        passed = {f"X-Amzn-SageMaker-{name}": value for name, value in waiting.fields.items()}
        passed["Content-Type"] = kind
        passed["Accept"] = waiting.fields.get("accept", "application/json")
        try:
            url = f"{self._sagemaker.serving_address(waiting.endpoint)}/"
            answer = self._http.request(
                "POST", url, body=body, headers=passed, timeout=float(waiting.seconds)
            )
        except (urllib3.exceptions.HTTPError, ValidationException) as error:
            said = f"ClientError: Model invocation failed: {error}"
            self._fail(waiting, str(error).encode(), said)
            return
        if 200 <= answer.status < 300:
            self._succeed(waiting, answer.data, answer.headers.get("Content-Type", kind))
            return
        side = "client" if 400 <= answer.status < 500 else "server"
        said = (
            f"ClientError: Received {side} error ({answer.status}) from model with message "
            f'"{answer.data.decode(errors="replace")[:1024]}".'
        )
        self._fail(waiting, answer.data, said)

    def _input(self, source: str) -> bytes:
        if source.startswith(_INLINE):
            return base64.b64decode(source.removeprefix(_INLINE))
        bucket, _, key = source.removeprefix("s3://").partition("/")
        found: bytes = self._clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return found

    def _succeed(self, waiting: _Waiting, body: bytes, kind: str) -> None:
        self._put(waiting.output, body, kind)
        answered = {"contentType": kind, "outputLocation": waiting.output}
        more = {"invocationStatus": "Completed", "responseParameters": answered}
        self._notify(waiting, "Success", more, body)

    def _fail(self, waiting: _Waiting, body: bytes, reason: str) -> None:
        self._put(waiting.failure, body or reason.encode(), "application/json")
        answered = {"contentType": "application/json", "outputLocation": waiting.failure}
        more = {"invocationStatus": "Failed", "responseParameters": answered}
        self._notify(waiting, "Error", {**more, "failureReason": reason}, body)

    def _put(self, place: str, body: bytes, kind: str) -> None:
        bucket, _, key = place.removeprefix("s3://").partition("/")
        self._clients("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)

    def _notify(self, waiting: _Waiting, kind: str, more: dict[str, Any], body: bytes) -> None:
        config = self._sagemaker.queue_of(waiting.endpoint)["OutputConfig"]
        told = config.get("NotificationConfig", {})
        if f"{kind}Topic" not in told:
            return
        asked = {
            "endpointName": waiting.endpoint,
            "contentType": waiting.fields.get("content-type"),
        }
        asked["accept"] = waiting.fields.get("accept")
        asked["customAttributes"] = waiting.fields.get("custom-attributes")
        if not waiting.source.startswith(_INLINE):
            asked["inputLocation"] = waiting.source
        message = {
            "awsRegion": REGION,
            "eventTime": _now(),
            "receivedTime": waiting.received,
            "requestParameters": {name: item for name, item in asked.items() if item},
            "inferenceId": waiting.inference_id,
            "eventVersion": "1.0",
            "eventSource": "aws:sagemaker",
            "eventName": "InferenceResult",
            **more,
        }
        wanted = f"{kind.upper()}_NOTIFICATION_TOPIC" in told.get("IncludeInferenceResponseIn", [])
        if wanted and len(body) <= MAX_INLINE_BYTES:
            content = {"content": base64.b64encode(body).decode(), "encoding": "BASE64"}
            message["responseBody"] = content
        self._clients("sns").publish(TopicArn=told[f"{kind}Topic"], Message=json.dumps(message))

    def _tell_metrics(self) -> None:
        for name in list(self._queues):
            try:
                count, waiting = self._sagemaker.instance_count(name), self.backlog(name)
            except ValidationException:
                continue
            values: dict[str, float] = {"ApproximateBacklogSize": waiting}
            values["HasBacklogWithoutCapacity"] = int(waiting > 0 and count == 0)
            if count:
                values["ApproximateBacklogSizePerInstance"] = waiting / count
            dimensions = [{"Name": "EndpointName", "Value": name}]
            data = [
                {"MetricName": metric, "Value": value, "Dimensions": dimensions}
                for metric, value in values.items()
            ]
            self._clients("cloudwatch").put_metric_data(Namespace="AWS/SageMaker", MetricData=data)
