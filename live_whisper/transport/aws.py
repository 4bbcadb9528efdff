# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Clients of AWS's services, with what keeps one from being made put into a sentence."""

import os
from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config

from live_whisper.errors import LiveError

# Nothing signs a request; trying again changes nothing.
CREDENTIAL_ERRORS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.SSOError,
)


def client(
    service: str,
    region: str | None,
    refusal: type[LiveError],
    *,
    what: str,
    url: str | None = None,
    config: Config | None = None,
) -> Any:
    """Make a client.

    Parameters
    ----------
    service : str
        As boto3 calls it.
    region : str or None
        None: the one of the environment or profile. AWS's other SDKs and its CLI read AWS_REGION,
        boto3 does not.
    refusal : type of LiveError
        What is raised if no region is set, the credentials are incomplete, or the address or the
        profile is none.
    what : str
        The resource, as a refusal begins: ``The endpoint whisper``.
    url : str, optional
        Address, when it is not AWS's own.
    """
    try:
        # A session of its own: boto3's default one keeps credentials that were since withdrawn.
        session = boto3.Session(region_name=region or _region())
        return session.client(service, endpoint_url=url, config=config)
    except exceptions.NoRegionError:
        raise refusal("No AWS region is set; give --region or set AWS_REGION.") from None
    except CREDENTIAL_ERRORS as error:
        raise refusal(without_credentials(error)) from None
    except (ValueError, exceptions.BotoCoreError) as error:
        raise refusal(
            f"{what} cannot be addressed ({error}); check the region, the profile and the "
            "endpoint URL."
        ) from None


def without_credentials(error: exceptions.BotoCoreError) -> str:
    """Return the sentence for one of `CREDENTIAL_ERRORS`."""
    if isinstance(error, exceptions.NoCredentialsError):
        return (
            "No AWS credentials were found; run `aws configure` or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY."
        )
    said = str(error).rstrip(".")
    return (
        f"The AWS credentials cannot be used ({said:.300}); sign in again, for example with `aws "
        "sso login`, or check the profile and the environment."
    )


def _region() -> str | None:
    return os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or None
