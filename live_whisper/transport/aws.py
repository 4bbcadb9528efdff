# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Clients of AWS's services, with what keeps one from being made put into a sentence."""

from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config

from live_whisper.errors import LiveError


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
        None: the one of the environment or profile.
    refusal : type of LiveError
        What is raised if no region is set, or the address or the profile is none.
    what : str
        The resource, as a refusal begins: ``The endpoint whisper``.
    url : str, optional
        Address, when it is not AWS's own.
    """
    try:
        # A session of its own: boto3's default one keeps credentials that were since withdrawn.
        session = boto3.Session(region_name=region)
        return session.client(service, endpoint_url=url, config=config)
    except exceptions.NoRegionError:
        raise refusal("No AWS region is set; give --region or set AWS_DEFAULT_REGION.") from None
    except (ValueError, exceptions.BotoCoreError) as error:
        raise refusal(
            f"{what} cannot be addressed ({error}); check the region, the profile and the "
            "endpoint URL."
        ) from None
