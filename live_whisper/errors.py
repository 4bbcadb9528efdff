# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Errors of the client.

LiveError
├── CallFileError      the file cannot be read, or is not a two-channel call
├── StreamError        the audio fed does not have the announced format
├── TermsUnusable      the expected names cannot be read, or are too many to send
├── EndpointUnusable   no request can succeed: unknown, unreachable or forbidden
├── InvocationFailed   this request failed; the next one may succeed
├── ConsoleUnusable    the console's page cannot be served
├── RecordingsUnusable the stack with recordings is unknown, unreachable, forbidden or failed
├── JobRefused         the stack with recordings refused a request
└── SinkFailed         an event could not be written to its destination

Every message is one sentence with the value and the remedy; it never contains audio or text.
"""

from whisper_stream.errors import InvocationFailed, LiveError, StreamError

__all__ = [
    "CallFileError",
    "ConsoleUnusable",
    "EndpointUnusable",
    "InvocationFailed",
    "JobRefused",
    "LiveError",
    "RecordingsUnusable",
    "SinkFailed",
    "StreamError",
    "TermsUnusable",
]


class CallFileError(LiveError):
    """The file is missing, not a known kind of WAV, or lacks two channels at a known rate."""


class TermsUnusable(LiveError):
    """The file of expected names is not text, or there are more than a request can carry."""


class EndpointUnusable(LiveError):
    """The endpoint is unknown, unreachable or forbidden: every request would fail."""


class ConsoleUnusable(LiveError):
    """The console's packages are missing, its port is taken, or its folder does not exist."""


class RecordingsUnusable(LiveError):
    """The stack is unknown or has no recordings, or its bucket or function cannot be used."""


class JobRefused(LiveError):
    """A request about a job was refused; the message comes from the deployment."""


class SinkFailed(LiveError):
    """An event could not be written after its retries."""
