# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fakes of an asynchronous endpoint in simulated time, and of MediaConvert.

A recording is a text: ``good …`` is transcribed, ``odd …`` must be converted first, ``hopeless …``
is unreadable. Every transcript names its recording, and is unique.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.fakes.object_store import ObjectStore, refusal
from whisper_contract import formats
from whisper_contract.transcript import Segment, Transcript

_MOST_BODY_BYTES = 128_000
SECONDS = 20.0
"""Duration of a transcription."""

_Later = Callable[[float, Callable[[], None]], None]


class FakeAsyncEndpoint:
    """SageMaker Runtime for one endpoint.

    Attributes
    ----------
    outcomes : list of str
        Failure reasons of the next invocations, instead of a result.
    fates : list of tuple of float
        For the next notifications: the delay of each copy in seconds; none if it is lost.
    takes : float
        Seconds of a transcription; 0: the answer arrives before the caller continues.
    failures : Counter
        Failures by job.
    unheard_jobs : set of str
        Jobs with a lost or late notification.
    """

    def __init__(
        self, bucket: str, store: ObjectStore, later: _Later, tell: Callable[[str], None]
    ) -> None:
        self.outcomes: list[str] = []
        self.fates: list[tuple[float, ...]] = []
        self.takes = SECONDS
        self.failures: Counter[str] = Counter()
        self.unheard_jobs: set[str] = set()
        self._bucket = bucket
        self._store = store
        self._later = later
        self._tell = tell
        self._numbers = itertools.count(1)

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute ``invoke_endpoint_async``."""
        assert operation == "invoke_endpoint_async", operation
        name = f"{request['S3OutputPathExtension']}/{request['Filename']}"
        failure = f"failed/{next(self._numbers)}-error.out"
        if len(request["Body"]) > _MOST_BODY_BYTES:
            raise refusal("ValidationError", "InvokeEndpointAsync")
        body = json.loads(request["Body"])
        job = request["InferenceId"].partition(".")[0]
        outcome = self.outcomes.pop(0) if self.outcomes else ""
        fate = self.fates.pop(0) if self.fates else (1.0,)
        if outcome:
            self.failures[job] += 1
        if not fate or min(fate) > SECONDS:
            self.unheard_jobs.add(job)

        def work() -> None:
            reason = outcome or self._transcribe(body, f"raw/{name}", failure)
            message = self._message(request["InferenceId"], f"raw/{name}", reason)
            for seconds in fate:
                if seconds:
                    self._later(seconds, lambda: self._tell(message))
                else:  # before the caller continues
                    self._tell(message)

        if self.takes:
            self._later(self.takes, work)
        else:
            work()
        return {
            "InferenceId": request["InferenceId"],
            "OutputLocation": f"s3://{self._bucket}/raw/{name}",
            "FailureLocation": f"s3://{self._bucket}/{failure}",
        }

    def _transcribe(self, body: dict[str, Any], key: str, failure: str) -> str:
        """Write the answer or refusal; return SageMaker's reason for a refusal, or ""."""
        content = content_of(self._store, body["s3_uri"])
        stop = body["progress_s3_uri"] + ".stop"
        if content_of(self._store, stop) is not None:
            return self._refuse(failure, 499, "Cancelled", "The request was stopped.")
        if content is None:
            return self._refuse(failure, 424, "SourceNotFetchable", "The recording is not there.")
        if not content.startswith(("good", "converted")):
            return self._refuse(failure, 422, "AudioNotDecodable", "No audio was found in it.")
        answer = transcript_of(content, next(self._numbers))
        written = formats.render(answer, formats.Form(response_format="protobuf"))
        self._store.call("put_object", {"Bucket": self._bucket, "Key": key, "Body": written})
        return ""

    def _refuse(self, failure: str, status: int, code: str, sentence: str) -> str:
        document = {"error": sentence, "code": code, "field": None, "request_id": "0" * 32}
        body = json.dumps(document).encode()
        self._store.call("put_object", {"Bucket": self._bucket, "Key": failure, "Body": body})
        return f"ClientError: Received client error ({status}) from model. See the log."

    def _message(self, inference_id: str, key: str, reason: str) -> str:
        told: dict[str, Any] = {
            "inferenceId": inference_id,
            "invocationStatus": "Failed" if reason else "Completed",
            "eventName": "InferenceResult",
        }
        if reason:
            told["failureReason"] = reason
        else:
            told["responseParameters"] = {"outputLocation": f"s3://{self._bucket}/{key}"}
        return json.dumps(told)


def content_of(store: ObjectStore, uri: str) -> str | None:
    """Return an object's text; None if it does not exist."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    versions = store.buckets[bucket].keys.get(key)
    if not versions or versions[-1].data is None:
        return None
    return b"".join(versions[-1].data).decode()


def transcript_of(content: str, number: int) -> Transcript:
    """Return a transcript that names its recording."""
    segment = Segment(
        seek=0,
        start=0.0,
        end=2.0,
        text=f" {content} #{number}",
        tokens=(),
        temperature=0.0,
        avg_logprob=-0.1,
        compression_ratio=1.0,
        no_speech_prob=0.0,
        id=1,
    )
    return Transcript("en", (segment,), duration=2.0)


def convert(store: ObjectStore, parameters: dict[str, Any]) -> bool:
    """Convert a recording like MediaConvert; return False if it is unreadable."""
    given = parameters["Settings"]
    content = content_of(store, given["Inputs"][0]["FileInput"])
    group = given["OutputGroups"][0]
    place = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
    if content is None or content.startswith("hopeless"):
        return False
    bucket, _, key = place.removeprefix("s3://").partition("/")
    extension = group["Outputs"][0]["Extension"]
    body = f"converted {content}".encode()
    store.call("put_object", {"Bucket": bucket, "Key": f"{key}.{extension}", "Body": body})
    return True
