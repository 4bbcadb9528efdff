# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Objects in S3: which a request may name, and the client that reaches them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from whisper_endpoint.errors import SourceNotAllowed
from whisper_endpoint.settings import EndpointSettings

_CONNECT_S = 5.0


def allowed(uri: str, prefixes: tuple[str, ...], field: str, setting: str) -> tuple[str, str]:
    """Return bucket and key of an address.

    Parameters
    ----------
    uri : str
        ``s3://bucket/key``.
    prefixes : tuple of str
        One of them it has to begin with.
    field, setting : str
        The request's field, and what the operator sets, for the refusal.

    Raises
    ------
    SourceNotAllowed
        403
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    # HTTP clients resolve dot segments, so that such a key might be read elsewhere than checked.
    dotted = {".", ".."} & set(key.split("/"))
    if dotted or not uri.startswith(prefixes):
        raise SourceNotAllowed(
            f"{uri!r} is not allowed as {field}: use a key below a prefix that this deployment "
            f"allows ({setting}).",
            field=field,
        )
    return bucket, key


def client(settings: EndpointSettings) -> Any:
    """Return a client that gives up when the operator's time for a source is over."""
    # Imported here: most deployments never read S3, and boto3 takes a while and some memory.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    limits = Config(
        connect_timeout=min(_CONNECT_S, settings.source_timeout_s),
        read_timeout=settings.source_timeout_s,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    return boto3.session.Session().client("s3", config=limits)


class Refused(Exception):
    """S3 did not do what it was asked for; the message is its reason in a word."""


@contextmanager
def refusals() -> Iterator[None]:
    """Make one kind of error of all that a call to S3 may fail with.

    Raises
    ------
    Refused
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        raise Refused(str(error.response.get("Error", {}).get("Code", "an error"))) from None
    except BotoCoreError as error:
        raise Refused(type(error).__name__) from None
