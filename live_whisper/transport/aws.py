# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""AWS clients, with configuration errors as sentences."""

import os
from typing import Any

import boto3
from botocore import exceptions, loaders
from botocore import session as core
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


class _Loader(loaders.Loader):  # type: ignore[misc]
    """Reads AWS's service models once for all sessions, to which it is a tenth of a second each."""

    @property
    def search_paths(self) -> list[str]:
        # A copy: each session of boto3 adds a folder, of resources, which nothing here asks for.
        return list(super().search_paths)


_LOADER = _Loader()


def client(
    service: str,
    region: str | None,
    refusal: type[LiveError],
    *,
    what: str,
    url: str | None = None,
    config: Config | None = None,
) -> Any:
    """Create a client.

    Parameters
    ----------
    service : str
        boto3's name of the service.
    region : str or None
        None: from the environment or profile. boto3 ignores AWS_REGION, which AWS's other SDKs and
        its CLI read, so it is read here.
    refusal : type of LiveError
        Error to raise if the region is missing, the credentials incomplete, or the address or
        profile invalid.
    what : str
        Subject of the error message, such as ``The endpoint whisper``.
    url : str, optional
        Address other than AWS's own.
    """
    try:
        # A new session: boto3's default one would keep withdrawn credentials.
        session = boto3.Session(region_name=region or _region(), botocore_session=_session())
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


def _session() -> core.Session:
    session = core.Session()
    if session.get_config_variable("data_path") is None:  # AWS_DATA_PATH
        session.register_component("data_loader", _LOADER)
    return session


def _region() -> str | None:
    return os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or None
