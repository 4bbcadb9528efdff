# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Send a request with retries, within its time limit."""

import logging
import threading
import time
from collections.abc import Callable

from live_whisper.errors import EndpointUnusable, InvocationFailed
from live_whisper.transport.transport import Transport
from whisper_stream.requests import TranscriptionRequest
from whisper_stream.retry import RequestOutcome, wait_s
from whisper_stream.settings import CallSettings

log = logging.getLogger(__name__)


class RequestRetrier:
    """Sends requests with retries. Thread-safe.

    Parameters
    ----------
    clock : callable
        Returns monotonic seconds.
    """

    def __init__(
        self,
        transport: Transport,
        settings: CallSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._stopping = threading.Event()
        self._has_answered = False
        self._unusable: EndpointUnusable | None = None

    @property
    def unusable(self) -> EndpointUnusable | None:
        """The error that makes the endpoint unusable; None if it ever answered."""
        return None if self._has_answered else self._unusable

    def stop(self) -> None:
        """Stop retrying."""
        self._stopping.set()

    def send(self, request: TranscriptionRequest) -> RequestOutcome:
        """Send a request: a partial once, a final repeatedly until its limit. Never raises."""
        is_partial, settings = request.is_partial, self._settings
        limit = settings.partial_deadline_s if is_partial else settings.final_limit_s
        give_up = request.asked_at + limit
        attempts, reason = 0, "It waited in the client until its time limit or the end of the call."
        while not self._stopping.is_set() and (left := give_up - self._clock()) > 0:
            attempts += 1
            try:
                response = self._transport.transcribe(request, left)
                if response.is_superseded and not is_partial:
                    raise InvocationFailed("The endpoint answered a final as superseded.")  # noqa: TRY301
            except (InvocationFailed, EndpointUnusable) as failure:
                reason = str(failure)
                is_passing = self._is_passing(failure)
                if is_partial or not is_passing or not self._wait(attempts, give_up):
                    break
            except Exception as failure:
                log.exception("the request for %s failed", request.utterance_id)
                name = type(failure).__name__
                return RequestOutcome(attempts, reason=f"The client failed ({name}); see its log.")
            else:
                self._has_answered = True
                return RequestOutcome(attempts, response)
        return RequestOutcome(attempts, reason=reason)

    def _is_passing(self, failure: InvocationFailed | EndpointUnusable) -> bool:
        """Return whether to retry: also if an endpoint that answered before is now unreachable."""
        if isinstance(failure, InvocationFailed):
            return failure.is_passing
        self._unusable = failure
        return self._has_answered

    def _wait(self, attempts: int, give_up: float) -> bool:
        """Wait before the next attempt; return whether there is time for one."""
        seconds = wait_s(attempts)
        if self._clock() + seconds >= give_up:
            return False
        return not self._stopping.wait(seconds)
