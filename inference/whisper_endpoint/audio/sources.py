# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where the audio of a request is, and how its bytes are fetched."""

import time
import urllib.parse
from dataclasses import dataclass
from typing import Any, TypeAlias

from whisper_endpoint.audio import web_source
from whisper_endpoint.audio.raw import RawForm, form_of_name
from whisper_endpoint.errors import BodyTooLarge, SourceNotAllowed, SourceNotFetchable
from whisper_endpoint.settings import EndpointSettings

_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class InlineAudio:
    """The bytes of an audio file that came with the request, or raw samples of this form."""

    data: bytes
    raw: RawForm | None = None


@dataclass(frozen=True)
class S3Audio:
    """An audio file in S3, ``s3://bucket/key``."""

    uri: str


@dataclass(frozen=True)
class UrlAudio:
    """An audio file on the web, and the field of the request that named it."""

    url: str
    field: str = "url"


Source: TypeAlias = InlineAudio | S3Audio | UrlAudio


def raw_form(source: Source, data: bytes) -> RawForm | None:
    """Return what raw samples are, by the source's word or its name; None for a file."""
    if isinstance(source, InlineAudio):
        return source.raw
    uri = source.uri if isinstance(source, S3Audio) else urllib.parse.urlsplit(source.url).path
    return form_of_name(uri, data)


def fetch(source: Source, settings: EndpointSettings) -> bytes:
    """Return the bytes of the audio file.

    Raises
    ------
    SourceNotAllowed
        403: outside what the deployment allows.
    BodyTooLarge
        413: more than ``settings.max_source_bytes``.
    SourceNotFetchable
        424: S3 or the web refused, or took longer than ``settings.source_timeout_s``.
    """
    if isinstance(source, InlineAudio):
        return source.data
    if isinstance(source, UrlAudio):
        return web_source.fetch(source.url, source.field, settings)
    bucket, key = _allowed(source.uri, settings.audio_s3_prefixes)
    return _read_object(bucket, key, settings)


def _allowed(uri: str, prefixes: tuple[str, ...]) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    # HTTP clients resolve dot segments, so that such a key might be read elsewhere than checked.
    dotted = {".", ".."} & set(key.split("/"))
    if dotted or not uri.startswith(prefixes):
        raise SourceNotAllowed(
            f"Reading {uri!r} is not allowed: use a key below a prefix that this deployment "
            "allows (AudioInputS3Prefixes of the stack).",
            field="s3_uri",
        )
    return bucket, key


def _read_object(bucket: str, key: str, settings: EndpointSettings) -> bytes:
    # Imported here: most deployments never read S3, and boto3 takes a while and some memory.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    limits = Config(
        connect_timeout=min(5.0, settings.source_timeout_s),
        read_timeout=settings.source_timeout_s,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    deadline = time.monotonic() + settings.source_timeout_s
    try:
        answer = (
            boto3.session.Session().client("s3", config=limits).get_object(Bucket=bucket, Key=key)
        )
        return _read_bounded(answer["Body"], settings.max_source_bytes, deadline)
    except ClientError as error:
        reason = error.response.get("Error", {}).get("Code", "an error")
    except BotoCoreError as error:
        reason = type(error).__name__
    raise SourceNotFetchable(
        f"The object could not be read from S3 ({reason}): check that it exists and that the "
        "endpoint's role may read it.",
        field="s3_uri",
    )


def _read_bounded(stream: Any, max_bytes: int, deadline: float) -> bytes:
    data = bytearray()
    for chunk in stream.iter_chunks(_CHUNK_BYTES):
        data += chunk
        if len(data) > max_bytes:
            stream.close()
            raise BodyTooLarge(
                f"The object has more than {max_bytes:,} bytes: send a shorter recording, or one "
                "that is compressed.",
                field="s3_uri",
            )
        if time.monotonic() > deadline:
            stream.close()
            raise SourceNotFetchable(
                "The object could not be read in time: try again, or send a smaller one.",
                field="s3_uri",
            )
    return bytes(data)
