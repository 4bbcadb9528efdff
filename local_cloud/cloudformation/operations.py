# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Run stack operations synchronously, or in threads while the API keeps answering."""

import logging
import threading
from collections.abc import Callable

from local_cloud.cloudformation.stack import Stack

log = logging.getLogger(__name__)


Operation = Callable[[], None]

Runner = Callable[[Stack, Operation], None]
"""Runs an operation on a stack, now or later."""


def run_at_once(stack: Stack, operation: Operation) -> None:  # noqa: ARG001
    """Run an operation synchronously; its errors reach the caller."""
    operation()


_MOMENT_S = 0.5
"""Short operations end before the API responds: the AWS CLI only polls every 30 s."""


class OperationThreads:
    """Runs each operation in a thread, one at a time per stack."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def __call__(self, stack: Stack, operation: Operation) -> None:
        """Start an operation after earlier ones on the same stack."""
        before = [thread for thread in self._threads if thread.name == stack.stack_id]

        def guarded() -> None:
            for thread in before:
                thread.join()
            try:
                operation()
            except Exception as error:
                log.exception("operation on %s", stack.name)
                stack.enter(stack.status.removesuffix("_IN_PROGRESS") + "_FAILED", str(error))

        thread = threading.Thread(target=guarded, name=stack.stack_id, daemon=True)
        self._threads.append(thread)
        thread.start()
        thread.join(_MOMENT_S)

    def join(self, timeout: float | None = None) -> None:
        """Wait for all operations."""
        for thread in self._threads:
            thread.join(timeout)
