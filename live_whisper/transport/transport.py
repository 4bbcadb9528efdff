# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Interface to an endpoint, independent of the protocol."""

from typing import Protocol

from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse


class Transport(Protocol):
    """Sends a request and waits for the answer; called from several threads."""

    def transcribe(self, request: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        """Transcribe one state of an utterance.

        Parameters
        ----------
        seconds : float
            Time after which the answer is useless.

        Raises
        ------
        EndpointUnusable
            No request can succeed.
        InvocationFailed
            This request failed.
        """
        ...
