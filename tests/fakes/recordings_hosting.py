# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Containers that follow the contract for recordings in S3, without transcribing.

A recording's content decides the outcome: ``broken …`` is undecodable, ``long …`` runs until
its stop object appears, anything else is returned as its own text.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.stand_ins import TRANSCRIPT, ScriptedHosting, _Handler, _Server
from whisper_contract import formats
from whisper_contract.transcript import Segment, Transcript

_PROTOBUF = "application/x-protobuf"
_LOOK_SECONDS = 0.1
_LONGEST_SECONDS = 60.0


class RecordingsHosting(ScriptedHosting):
    """Hosts endpoints that answer the smoke test, and read recordings by address.

    Attributes
    ----------
    seen : Counter of str
        Number of requests per address.
    seconds : float
        Duration of a recording's transcription.
    """

    def __init__(self, s3: Callable[[], Any], *_: Any) -> None:
        super().__init__()
        super().close()
        self._s3 = s3
        self.seen: Counter[str] = Counter()
        self.seconds = 0.0
        hosting = self

        class Handler(_Handler):
            def do_POST(self) -> None:  # noqa: N802 - http.server's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Type"] == _PROTOBUF:  # the smoke test's clip
                    kind = {"Content-Type": "application/json"}
                    self.answer(200, json.dumps(TRANSCRIPT).encode(), kind)
                    return
                status, answer = hosting._transcribed(json.loads(body))
                self.answer(status, answer, {"Content-Type": _PROTOBUF})

        self._server = _Server(Handler)

    def _transcribed(self, asked: dict[str, Any]) -> tuple[int, bytes]:
        self.seen[asked["s3_uri"]] += 1
        content = self._read(asked["s3_uri"])
        if content.startswith("broken"):
            return _refused(422, "AudioNotDecodable", "The audio cannot be decoded: it is broken.")
        self._write(asked["progress_s3_uri"], {"seconds_done": 1.0, "seconds_total": 4.0})
        end = time.monotonic() + (_LONGEST_SECONDS if content.startswith("long") else self.seconds)
        while time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
            if self._is_there(f"{asked['progress_s3_uri']}.stop"):
                return _refused(499, "Cancelled", "The request was stopped.")
        segment = Segment(
            id=1,
            seek=0,
            start=0.0,
            end=2.0,
            text=f" {content}",
            tokens=(),
            temperature=0.0,
            avg_logprob=-0.1,
            compression_ratio=1.0,
            no_speech_prob=0.0,
        )
        transcript = Transcript("en", (segment,), duration=2.0)
        return 200, formats.render(transcript, formats.Form(response_format="protobuf"))

    def _read(self, uri: str) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        found: bytes = self._s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        return found.decode(errors="replace")

    def _write(self, uri: str, document: dict[str, Any]) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self._s3().put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode())

    def _is_there(self, uri: str) -> bool:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            self._s3().head_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True


def _refused(status: int, code: str, sentence: str) -> tuple[int, bytes]:
    document = {"error": sentence, "code": code, "field": None, "request_id": "0" * 32}
    return status, json.dumps(document).encode()
