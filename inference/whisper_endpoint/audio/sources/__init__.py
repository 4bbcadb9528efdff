# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where the audio of a request is, and how its bytes are fetched."""

import time
import urllib.parse
from dataclasses import dataclass
from typing import Any, TypeAlias

from whisper_endpoint.audio.raw import RawForm, form_of_name
from whisper_endpoint.audio.sources import s3, web
from whisper_endpoint.errors import BodyTooLarge, SourceNotFetchable
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
        return web.fetch(source.url, source.field, settings)
    bucket, key = s3.allowed(
        source.uri, settings.audio_s3_prefixes, "s3_uri", "AudioInputS3Prefixes of the stack"
    )
    return _read_object(bucket, key, settings)


def _read_object(bucket: str, key: str, settings: EndpointSettings) -> bytes:
    deadline = time.monotonic() + settings.source_timeout_s
    try:
        with s3.refusals():
            answer = s3.client(settings).get_object(Bucket=bucket, Key=key)
            return _read_bounded(answer["Body"], settings.max_source_bytes, deadline)
    except s3.Refused as refused:
        raise SourceNotFetchable(
            f"The object could not be read from S3 ({refused}): check that it exists and that the "
            "endpoint's role may read it.",
            field="s3_uri",
        ) from None


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
