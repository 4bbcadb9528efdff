# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Everything that the client refuses or gives up on.

LiveError
├── CallFileError      the file is not a two-channel call that can be sent
├── EndpointUnusable   no request can succeed: unknown, unreachable, not allowed
└── InvocationFailed   this request failed; the next one may succeed

Every message is one sentence with the value and the remedy; it never holds audio or text.
"""


class LiveError(Exception):
    """Base of the client's own errors."""


class CallFileError(LiveError):
    """The file is missing, is no PCM WAV, or has not two channels at a rate that can be sent."""


class EndpointUnusable(LiveError):
    """The endpoint is unknown, unreachable or not ours to invoke: going on would be useless."""


class InvocationFailed(LiveError):
    """One request came back with an error status or not at all."""
