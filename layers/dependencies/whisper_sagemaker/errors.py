# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Everything that can go wrong with a deployment, on one page.

::

    DeploymentError
    ├── InvalidProperty        a property of the stack is missing or out of range
    ├── WeightsError
    │   ├── WeightsNotFound    the place that was named holds no Whisper model
    │   ├── WeightsRefused     the hub or the bucket said no
    │   └── WeightsCorrupt     what arrived is not what was announced
    ├── QuotaTooLow            the account may not run so many instances of the type
    ├── NotOurs                a name is taken by something this stack did not make
    ├── EndpointFailed         SageMaker gave up; carries its reason
    ├── ArchiveExpires         the model archive or a file of it is gone, or will be, though renewed
    ├── SmokeTestFailed        the endpoint is in service and does not transcribe
    └── NotDoneInTime          CloudFormation would stop waiting before we are done

Each message is one sentence or two, what to do first and the cause last: `reasons` shortens what is
too long for CloudFormation in its middle.
"""


class DeploymentError(Exception):
    """A failure that an operator can read and act on."""


class InvalidProperty(DeploymentError):
    """A property of the custom resource cannot be used.

    Parameters
    ----------
    name : str
        Property, as in the template.
    value : str
        What it was.
    remedy : str
        What it should be, as the end of a sentence that starts with "set it to".
    """

    def __init__(self, name: str, value: str, remedy: str) -> None:
        super().__init__(f"{name}: set it to {remedy}; it is {value[:80]!r}.")
        self.name = name


class WeightsError(DeploymentError):
    """The model's weights could not be had."""


class WeightsNotFound(WeightsError):
    """The place that was named holds no faster-whisper model."""


class WeightsRefused(WeightsError):
    """The hub or the bucket answered with a refusal."""


class WeightsCorrupt(WeightsError):
    """A file's size or digest is not the announced one."""


class QuotaTooLow(DeploymentError):
    """The account's quota has no room for the instances that are asked for.

    Parameters
    ----------
    quota : str
        As Service Quotas names it, such as ``ml.g5.2xlarge for endpoint usage``.
    wanted, allowed : int
        Instances: what it has to be at least, and what it is.
    """

    def __init__(self, quota: str, wanted: int, allowed: int) -> None:
        super().__init__(
            f"Ask Service Quotas for {wanted} or more of '{quota}' (Amazon SageMaker), or set "
            "SageMakerInstanceType to a type with quota or SageMakerInstanceCount to fewer: this "
            f"account's is {allowed}."
        )


class NotOurs(DeploymentError):
    """A name that we need belongs to something that this stack did not make."""


class EndpointFailed(DeploymentError):
    """SageMaker could not bring the endpoint into service."""


class ArchiveExpires(DeploymentError):
    """The model archive or a file of it is gone, or will be in spite of its renewal."""


class SmokeTestFailed(DeploymentError):
    """The endpoint is in service, but a known clip did not come back as text."""


class NotDoneInTime(DeploymentError):
    """The work is not done and CloudFormation is about to stop waiting."""
