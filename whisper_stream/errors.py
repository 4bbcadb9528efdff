# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Errors of streamed audio and of answers to it.

LiveError
├── StreamError        the audio fed does not have the announced format
└── InvocationFailed   this request failed; the next one may succeed

`live_whisper.errors` adds those of the live client.
"""


class LiveError(Exception):
    """Base class of the errors of a live call."""


class StreamError(LiveError):
    """An audio frame is incomplete, for an unknown channel, or after the call's end."""


class InvocationFailed(LiveError):
    """One request failed with an error status or without a response.

    Attributes
    ----------
    is_passing : bool
        Whether a retry may succeed: no response, 429, 5xx. False if the endpoint refused the
        request.
    said : str
        The endpoint's own sentence; empty if there is none.
    """

    def __init__(self, message: str, *, is_passing: bool = True, said: str = "") -> None:
        super().__init__(message)
        self.is_passing = is_passing
        self.said = said
