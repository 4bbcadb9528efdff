# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""All errors of a deployment.

::

    DeploymentError
    ├── InvalidProperty        a property of the stack is missing or out of range
    ├── WeightsError
    │   ├── WeightsNotFound    the given place holds no Whisper model
    │   ├── WeightsRefused     the hub or the bucket refused access
    │   └── WeightsCorrupt     the data does not match the declared size or digest
    ├── QuotaTooLow            the account's quota does not allow this number of instances
    ├── NotOurs                a name is taken by something this stack did not create
    ├── EndpointFailed         SageMaker gave up; contains its reason
    ├── ArchiveExpires         the model archive or one of its files is gone, or renewal is futile
    ├── SmokeTestFailed        the endpoint is in service but does not transcribe
    └── NotDoneInTime          CloudFormation would stop waiting before we are done

Each message is one or two sentences, with the remedy first and the cause last: `reasons` shortens
the middle of messages that are too long for CloudFormation.
"""


class DeploymentError(Exception):
    """A failure that an operator can read and act on."""


class InvalidProperty(DeploymentError):
    """A property of the custom resource cannot be used.

    Parameters
    ----------
    name : str
        Name of the property, as in the template.
    value : str
        Its value.
    remedy : str
        What it must be, to complete the sentence "... must be ...".
    """

    def __init__(self, name: str, value: str, remedy: str) -> None:
        super().__init__(f"{name} must be {remedy}; it is {value[:80]!r}.")
        self.name = name


class WeightsError(DeploymentError):
    """The model's weights could not be obtained."""


class WeightsNotFound(WeightsError):
    """The given place holds no faster-whisper model."""


class WeightsRefused(WeightsError):
    """The hub or the bucket refused access."""


class WeightsCorrupt(WeightsError):
    """A file's size or digest is not the declared one."""


class QuotaTooLow(DeploymentError):
    """The account's quota does not allow the requested instances.

    Parameters
    ----------
    quota : str
        Name in Service Quotas, such as ``ml.g5.2xlarge for endpoint usage``.
    wanted, allowed : int
        Required and current quota, in instances.
    """

    def __init__(self, quota: str, wanted: int, allowed: int) -> None:
        super().__init__(
            f"Ask Service Quotas for {wanted} or more of '{quota}' (Amazon SageMaker), or set "
            "SageMakerInstanceType to a type with quota or SageMakerInstanceCount to fewer: this "
            f"account's is {allowed}."
        )


class NotOurs(DeploymentError):
    """A name that we need belongs to something that this stack did not create."""


class EndpointFailed(DeploymentError):
    """SageMaker could not bring the endpoint into service."""


class ArchiveExpires(DeploymentError):
    """The model archive or one of its files is gone, or will expire despite its renewal."""


class SmokeTestFailed(DeploymentError):
    """The endpoint is in service, but did not transcribe a known clip."""


class NotDoneInTime(DeploymentError):
    """The work is not done and CloudFormation is about to stop waiting."""
