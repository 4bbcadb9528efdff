# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where the operations on stacks run: at once, or in threads while the API goes on answering."""

import logging
import threading
from collections.abc import Callable

from local_cloud.cloudformation.stack import Stack

log = logging.getLogger(__name__)


Operation = Callable[[], None]

Runner = Callable[[Stack, Operation], None]
"""Runs an operation on a stack, or sees to it that it is run."""


def run_at_once(stack: Stack, operation: Operation) -> None:  # noqa: ARG001
    """Run an operation to its end, without threads; what it raises is the caller's."""
    operation()


_MOMENT_S = 0.5
"""What ends within it has ended when the API answers: the AWS CLI looks again after 30 s only."""


class OperationThreads:
    """Runs each operation in a thread; those on one stack one after another."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def __call__(self, stack: Stack, operation: Operation) -> None:
        """Begin an operation, or wait with it until those on the same stack have ended."""
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
        """Wait for all operations that were begun."""
        for thread in self._threads:
            thread.join(timeout)
