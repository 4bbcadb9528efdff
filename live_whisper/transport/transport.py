# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How an endpoint is asked, whatever the protocol."""

from typing import Protocol

from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse


class Transport(Protocol):
    """Sends one request and waits for its answer; called from several threads at once."""

    def transcribe(self, request: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        """Transcribe one state of an utterance.

        Parameters
        ----------
        seconds : float
            After which the answer is of no use any more.

        Raises
        ------
        EndpointUnusable
            No request can succeed.
        InvocationFailed
            This one did not.
        """
        ...
