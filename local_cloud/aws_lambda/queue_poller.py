# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SQS event sources: poll queues and invoke functions; failed messages are redelivered."""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local_cloud.aws_lambda.function_process import FunctionAnswer

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.25
_MOST_AT_ONCE = 4
_SQS_BATCH = 10


class QueuePoller:
    """Polls the functions' event-source queues in its own thread.

    `backend` returns moto's Lambda, `client` the SQS client; `call` runs one of its functions.
    """

    def __init__(
        self,
        backend: Callable[[], Any],
        client: Callable[[], Any],
        call: Callable[[Any, Any], FunctionAnswer],
    ) -> None:
        self._backend = backend
        self._client = client
        self._call = call
        self._closing = threading.Event()
        self._busy = threading.Semaphore(_MOST_AT_ONCE)
        self._workers = ThreadPoolExecutor(_MOST_AT_ONCE, "queue batch")
        self._thread = threading.Thread(target=self._run, name="queue poller", daemon=True)

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def close(self) -> None:
        """Stop polling."""
        self._closing.set()
        self._thread.join()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._closing.wait(_PAUSE_SECONDS):
            for mapping in list(self._backend().list_event_source_mappings(None, None)):
                if mapping.enabled and ":sqs:" in mapping.event_source_arn:
                    try:
                        self._read(mapping)
                    except Exception:
                        log.exception("event source %s", mapping.event_source_arn)

    def _read(self, mapping: Any) -> None:
        client = self._client()
        name = mapping.event_source_arn.rpartition(":")[2]
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        while self._busy.acquire(blocking=False):
            messages = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(mapping.batch_size, _SQS_BATCH),
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if not messages:
                self._busy.release()
                return
            self._workers.submit(self._hand_over, mapping, url, messages)

    def _hand_over(self, mapping: Any, url: str, messages: list[dict[str, Any]]) -> None:
        try:
            function = self._backend().get_function(mapping.function_arn)
            records = [_record(message, mapping) for message in messages]
            failed = _failed(mapping, self._call(function, {"Records": records}), messages)
            for message in messages:
                if message["MessageId"] not in failed:
                    self._client().delete_message(
                        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]
                    )
        except Exception:
            log.exception("messages from %s", url)
        finally:
            self._busy.release()


def _failed(mapping: Any, invocation: FunctionAnswer, messages: list[dict[str, Any]]) -> set[str]:
    """Return the ids of messages to redeliver after their visibility timeout."""
    if invocation.is_error:
        return {message["MessageId"] for message in messages}
    if "ReportBatchItemFailures" not in (mapping.function_response_types or []):
        return set()
    answer = json.loads(invocation.payload) or {}
    return {item["itemIdentifier"] for item in answer.get("batchItemFailures", [])}


def _record(message: dict[str, Any], mapping: Any) -> dict[str, Any]:
    """Return a message in the format of Lambda's SQS events."""
    lowered = {
        name: {key[0].lower() + key[1:]: item for key, item in value.items()}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": lowered,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.event_source_arn,
        "awsRegion": mapping.region,
    }
