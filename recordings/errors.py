# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Every error that refuses or ends a job.

RecordingError
├── InvalidJob            the request for a job does not follow the contract
├── SourceUnusable        the recording is missing, unreadable or outside the allowed prefixes
├── SourceChanged         the object was overwritten after the job was created
├── NotTranscribed        the endpoint refused it, failed, or never answered
├── UnknownJob            there is no job with that id
├── JobEnded              the job has ended and can no longer change
├── NameTaken             another job already has the name
├── OutputTaken           another job owns the same output file
├── NotAdmitted           the API's caller has no valid key or signature
│   └── SignatureRefused  a signature with the deployment's own key pair is invalid
├── AddressRefused        a URL does not lead to a public address
├── WebhookRefused        the webhook wants no more notifications
├── WebhookNotTold        the webhook could not be notified this time
└── InvalidFunctionSetting   an environment variable of a function is missing or wrong

The state machine catches them by class name. A message is one sentence with the value and the
remedy, written for the job's owner.
"""


class RecordingError(Exception):
    """Base class of all errors of recordings."""

    @property
    def code(self) -> str:
        """Machine-readable error code: the class name."""
        return type(self).__name__


class InvalidJob(RecordingError):
    """A field of a job's request is missing, unknown or out of range."""


class SourceUnusable(RecordingError):
    """The recording is missing, unreadable, or outside the allowed prefixes."""


class SourceChanged(RecordingError):
    """The object was overwritten after the job was created."""


class NotTranscribed(RecordingError):
    """The endpoint refused the recording, failed to transcribe it, or never answered."""


class UnknownJob(RecordingError):
    """There is no such job, or its record has expired."""


class JobEnded(RecordingError):
    """The job already has its final status: this request is late or repeated."""


class NameTaken(RecordingError):
    """Another job already has the name."""


class OutputTaken(RecordingError):
    """Another job owns this output file, while it runs or permanently."""


class NotAdmitted(RecordingError):
    """The caller has neither a valid key nor a verified signature."""


class SignatureRefused(NotAdmitted):
    """A signature does not match the request, has expired, or is not by our own key pair."""


class AddressRefused(RecordingError):
    """A URL is not https, or resolves to an address that is not public."""


class WebhookRefused(RecordingError):
    """The webhook answered 410: it wants no more notifications."""


class WebhookNotTold(RecordingError):
    """The webhook was not reached or did not acknowledge; the state machine retries."""


class InvalidFunctionSetting(RecordingError):
    """An environment variable of a function is missing or wrong."""
