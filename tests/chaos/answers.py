# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the function answers to CloudFormation: once, in time, and noted before anything else."""

import threading
from typing import Any

from local_cloud.cloudformation.custom_resources import ResponseBox
from tests.chaos.aws import Aws

_ANSWERED_TAG = "whisper-sagemaker:answered:"


class Violation(AssertionError):
    """Something that must always hold does not."""


class Answers(ResponseBox):
    """Every answer of a life, by the ids of the requests, which are those of their boxes too.

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
        """How often an answer meets 503 before one is taken."""
        self.seen: list[str] = []
        """What is wrong: raised in the middle of a call, it would be taken for a failure of it."""
        self._noted: set[str] = set()  # requests whose answer the function's tags have held
        self._in_vain: set[str] = set()  # those where noting it failed, or Lambda ended it before
        self._to_note: dict[int, str] = {}  # by thread: the request that it has just answered
        self.ended: set[str] = set()
        """Requests of which Lambda has ended an invocation."""

    def status_of_put(self, token: str, body: bytes) -> int:
        """Take an answer as its address does, which may be unavailable; returns the status."""
        if self.refusals_left:
            self.refusals_left -= 1
            return 503
        self.put(token, body)
        return 200

    def put(self, token: str, body: bytes) -> bool:
        """Take what the function answers."""
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
        """See that what follows an answer is the call that notes it."""
        if not self._to_note:
            return
        request_id = self._to_note.pop(threading.get_ident(), "")
        if request_id in noted_by(operation, request):
            self._in_vain.add(request_id)  # unless it is carried out
        elif request_id:
            self.seen.append(f"{operation} comes before the answer is noted")

    def on_call(self, operation: str, request: dict[str, Any]) -> None:
        """Remember what a call has noted."""
        if operation == "tag_resource":
            self._noted |= noted_by(operation, request)

    def end_invocation(self, *, must_be_noted: bool) -> None:
        """See that an invocation that came to its own end has noted its answer."""
        if request_id := self._to_note.pop(threading.get_ident(), ""):
            self._in_vain.add(request_id)
            if must_be_noted:
                self.seen.append("an answer is never noted")

    def require_nothing_seen(self) -> None:
        """Raise Violation for what was seen in the middle of a call."""
        if self.seen:
            raise Violation(self.seen[0])

    def require_newest(self) -> None:
        """Find a request without an answer, unless Lambda ended it where no rule goes on."""
        self.require_nothing_seen()
        rules = [event for event in self._aws.rules.values() if event]
        goes_on = any(event["RequestId"] == self.newest for event in rules)
        if not self.answer(self.newest) and (goes_on or self.newest not in self.ended):
            raise Violation("a request has no answer")

    def _new_id(self) -> str:
        self.newest = f"00000000-0000-4000-8000-{len(self._answers) + 1:012}"
        return self.newest

    def _is_blind(self, request_id: str) -> bool:
        """Tell whether the invocation that answers has asked for an earlier answer, and seen none.

        It was not told, or the earlier answer's invocation could not note it, or was ended before,
        or is stopped before it where one of the two has failed, which it may without the lock.
        """
        operation, was_told = self._aws.last_call.get(threading.get_ident(), ("", False))
        has_failed = any(answer["Status"] == "FAILED" for answer in self._answers[request_id])
        unknown = self._in_vain | ({*self._to_note.values()} if has_failed else set())
        is_unknown = request_id in unknown - self._noted
        return operation == "list_tags" and (not was_told or is_unknown)


def noted_by(operation: str, request: dict[str, Any]) -> set[str]:
    """Return the requests of which a call notes that they have their answer."""
    tags = request["Tags"] if operation == "tag_resource" else {}
    return {i for key, ids in tags.items() if key.startswith(_ANSWERED_TAG) for i in ids.split()}
