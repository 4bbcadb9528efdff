# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The function's responses to CloudFormation: once, in time, and noted before anything else."""

import threading
from typing import Any

from local_cloud.cloudformation.custom_resources import ResponseBox
from tests.chaos.aws import Aws

_ANSWERED_TAG = "whisper-sagemaker:answered:"


class Violation(AssertionError):
    """An invariant does not hold."""


class Answers(ResponseBox):
    """All responses in a life, by request id, which is also the id of the box.

    Parameters
    ----------
    aws : Aws
    """

    def __init__(self, aws: Aws) -> None:
        super().__init__("https://box", self._new_id)
        self._aws = aws
        self.newest = ""
        """Id of the newest request."""
        self.refusals_left = 0
        """Number of responses to refuse with 503."""
        self.seen: list[str] = []
        """Violations: raised during a call, they would be taken for its failure."""
        self._noted: set[str] = set()  # requests whose response is noted in the function's tags
        self._in_vain: set[str] = set()  # those whose noting failed or was cut off by Lambda
        self._to_note: dict[int, str] = {}  # by thread: the request just answered
        self.ended: set[str] = set()
        """Requests with an invocation killed by Lambda."""

    def status_of_put(self, token: str, body: bytes) -> int:
        """Accept a response as its URL does, which may be unavailable; return the status."""
        if self.refusals_left:
            self.refusals_left -= 1
            return 503
        self.put(token, body)
        return 200

    def put(self, token: str, body: bytes) -> bool:
        """Record a response."""
        if not super().put(token, body):
            self.seen.append(f"an answer of {len(body)} bytes")
        answers, thread = self._answers[token], threading.get_ident()
        is_timer = thread in self._aws.killed
        if len(answers) > 1 and not is_timer and not self._is_blind(token):
            told = "; ".join(f"{a['Status']} {a['Reason'][:90]}" for a in answers)
            self.seen.append(f"{len(answers)} answers to one request: {told}")
        self._to_note[thread] = token
        return True

    def before_call(self, operation: str, request: dict[str, Any]) -> None:
        """Check that the call after a response is the one that notes it."""
        if not self._to_note:
            return
        request_id = self._to_note.pop(threading.get_ident(), "")
        if request_id in noted_by(operation, request):
            self._in_vain.add(request_id)  # unless it succeeds
        elif request_id:
            self.seen.append(f"{operation} comes before the answer is noted")

    def on_call(self, operation: str, request: dict[str, Any]) -> None:
        """Record what a call has noted."""
        if operation == "tag_resource":
            self._noted |= noted_by(operation, request)

    def end_invocation(self, *, must_be_noted: bool) -> None:
        """Check that an invocation that ended by itself has noted its response."""
        if request_id := self._to_note.pop(threading.get_ident(), ""):
            self._in_vain.add(request_id)
            if must_be_noted:
                self.seen.append("an answer is never noted")

    def require_nothing_seen(self) -> None:
        """Raise the first Violation seen during a call."""
        if self.seen:
            raise Violation(self.seen[0])

    def require_newest(self) -> None:
        """Require a response to the newest request, unless Lambda ended it and no rule polls."""
        self.require_nothing_seen()
        rules = [event for event in self._aws.rules.values() if event]
        goes_on = any(event["RequestId"] == self.newest for event in rules)
        if not self.answer(self.newest) and (goes_on or self.newest not in self.ended):
            raise Violation("a request has no answer")

    def _new_id(self) -> str:
        self.newest = f"00000000-0000-4000-8000-{len(self._answers) + 1:012}"
        return self.newest

    def _is_blind(self, request_id: str) -> bool:
        """Return whether the invocation looked for an earlier response and could not see it.

        Either the look-up failed, or the earlier invocation could not note its response, was killed
        before, or is paused before it while one of the two has failed, which needs no lock.
        """
        operation, was_told = self._aws.last_call.get(threading.get_ident(), ("", False))
        has_failed = any(answer["Status"] == "FAILED" for answer in self._answers[request_id])
        unknown = self._in_vain | ({*self._to_note.values()} if has_failed else set())
        is_unknown = request_id in unknown - self._noted
        return operation == "list_tags" and (not was_told or is_unknown)


def noted_by(operation: str, request: dict[str, Any]) -> set[str]:
    """Return the requests that a call marks as answered."""
    tags = request["Tags"] if operation == "tag_resource" else {}
    return {i for key, ids in tags.items() if key.startswith(_ANSWERED_TAG) for i in ids.split()}
