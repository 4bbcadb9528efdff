# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sources of a request's audio, and how its bytes are fetched."""

import contextlib
import urllib.parse
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from whisper_endpoint.audio.content import BytesInMemory, FileBytes
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.raw import RawForm, form_of_name
from whisper_endpoint.audio.sources import s3, web
from whisper_endpoint.settings import EndpointSettings


@dataclass(frozen=True)
class InlineAudio:
    """An audio file, or raw samples of the given format, sent with the request."""

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


def raw_form(source: Source, data: FileBytes | bytes) -> RawForm | None:
    """Return the format of raw samples, as declared or by the file name; None for a file."""
    if isinstance(source, InlineAudio):
        return source.raw
    uri = source.uri if isinstance(source, S3Audio) else urllib.parse.urlsplit(source.url).path
    return form_of_name(uri, data)


def fetch(
    source: Source,
    settings: EndpointSettings,
    disk: Disk,
    waiting: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> FileBytes:
    """Return the bytes of the audio file.

    Inline audio is in memory, and an S3 object is fetched as it is read. A web file, which may
    change between two requests, is first stored on disk.

    Parameters
    ----------
    waiting : callable, optional
        Returns a context manager, entered while reading the content waits for the network.

    Raises
    ------
    SourceNotAllowed
        403: not allowed by the deployment.
    BodyTooLarge
        413: more than ``settings.max_source_bytes``.
    SourceNotFetchable
        424: S3 or the web server refused, or took longer than ``settings.source_timeout_s``.
    Overloaded
        503: no space on the disk.
    """
    if isinstance(source, InlineAudio):
        return BytesInMemory(source.data)
    if isinstance(source, UrlAudio):
        return web.fetch(source.url, source.field, settings, disk)
    bucket, key = s3.allowed(
        source.uri, settings.audio_s3_prefixes, "s3_uri", "AudioInputS3Prefixes of the stack"
    )
    return s3.open_object(bucket, key, settings, waiting)
