# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Everything that a job is refused for or ends with.

RecordingError
├── InvalidJob            the request for a job does not follow the contract
├── SourceUnusable        the recording is not there, not readable, or not where it may be read
├── SourceChanged         it is not the object any more that the job was made for
├── NotTranscribed        the endpoint refused it, failed, or never answered
├── UnknownJob            there is no job of that id
├── JobEnded              it has ended already: nothing may change it any more
├── NameTaken             another job has the name already
├── OutputTaken           another job writes the same file, or keeps it
├── NotAdmitted           the caller of the API has no valid key or signature
│   └── SignatureRefused  a signature by the deployment's own pair does not fit
├── AddressRefused        a URL does not lead to a public address
├── WebhookRefused        the webhook does not want to be told any more
├── WebhookNotTold        it could not be told now
└── InvalidFunctionSetting   an environment variable of a function is missing or wrong

The state machine catches them by the name of their class. A message is one sentence with the value
and the remedy, and is what the job's owner reads.
"""


class RecordingError(Exception):
    """Base of the recordings' own errors."""

    @property
    def code(self) -> str:
        """Kind of error for programs: the name of the class."""
        return type(self).__name__


class InvalidJob(RecordingError):
    """A field of a job's request is missing, unknown or out of range."""


class SourceUnusable(RecordingError):
    """The recording is not there, may not be read, or lies outside the allowed prefixes."""


class SourceChanged(RecordingError):
    """The object was overwritten after the job had been made."""


class NotTranscribed(RecordingError):
    """The endpoint refused the recording, failed to transcribe it, or never answered."""


class UnknownJob(RecordingError):
    """There is no such job, or its record has expired."""


class JobEnded(RecordingError):
    """The job has its final status: whatever comes now is late or repeated."""


class NameTaken(RecordingError):
    """Another job has the name that this one was to have."""


class OutputTaken(RecordingError):
    """Another job has the place that this one was to write to, while it runs or for good."""


class NotAdmitted(RecordingError):
    """The caller has shown neither a valid key nor a signature that has been checked."""


class SignatureRefused(NotAdmitted):
    """A signature is not that of the request, not of now, or not by the deployment's own pair."""


class AddressRefused(RecordingError):
    """A URL is not https, or leads to an address that is not public."""


class WebhookRefused(RecordingError):
    """The webhook has answered 410: it does not want to be told any more."""


class WebhookNotTold(RecordingError):
    """The webhook was not reached, or has not said that it has heard: it is tried again."""


class InvalidFunctionSetting(RecordingError):
    """An environment variable of a function is missing or wrong."""
