# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Everything that the client refuses or gives up on.

LiveError
├── CallFileError      the file cannot be read, or is no two-channel call
├── StreamError        the audio that was fed is not of the form that was announced
├── TermsUnusable      the names to expect cannot be read, or are too many to be sent
├── EndpointUnusable   no request can succeed: unknown, unreachable, not allowed
├── InvocationFailed   this request failed; the next one may succeed
├── ConsoleUnusable    the console's page cannot be served
├── RecordingsUnusable the deployment for recordings is unknown, unreachable, not allowed or failed
├── JobRefused         the deployment for recordings refuses what it was asked
└── SinkFailed         an event could not be written to where the call's events go

Every message is one sentence with the value and the remedy; it never holds audio or text.
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
    """The file is missing, is no WAV of a known form, or has not two channels at a known rate."""


class TermsUnusable(LiveError):
    """The file of names to expect is no text, or there are more than a request can carry."""


class EndpointUnusable(LiveError):
    """The endpoint is unknown, unreachable or not ours to invoke: going on would be useless."""


class ConsoleUnusable(LiveError):
    """Its packages are not installed, its port is taken, or its folder of calls is not there."""


class RecordingsUnusable(LiveError):
    """The stack is unknown or has no recordings, or its bucket or function cannot be used."""


class JobRefused(LiveError):
    """What was asked of a job is not possible; the message is the deployment's own."""


class SinkFailed(LiveError):
    """An event could not be written after its retries."""
