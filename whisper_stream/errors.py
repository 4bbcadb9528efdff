# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is wrong with audio that comes piece by piece, or with an answer to it.

LiveError
├── StreamError        the audio that was fed is not of the form that was announced
└── InvocationFailed   this request failed; the next one may succeed

The live client's own errors are further ones: `live_whisper.errors`.
"""


class LiveError(Exception):
    """Base of the errors of a live call."""


class StreamError(LiveError):
    """A frame of audio is incomplete, for an unknown channel, or came after the call's end."""


class InvocationFailed(LiveError):
    """One request came back with an error status or not at all.

    Attributes
    ----------
    is_passing : bool
        Whether the same request may succeed later: no answer, 429, 5xx. False where the
        endpoint refused what was sent.
    said : str
        The endpoint's own sentence; empty where it said nothing.
    """

    def __init__(self, message: str, *, is_passing: bool = True, said: str = "") -> None:
        super().__init__(message)
        self.is_passing = is_passing
        self.said = said
