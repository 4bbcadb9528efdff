# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where the audio of a request is, and how its bytes are fetched."""

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


def raw_form(source: Source, data: FileBytes | bytes) -> RawForm | None:
    """Return what raw samples are, by the source's word or its name; None for a file."""
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

    What came with the request is in memory; an object in S3 is fetched while it is read; what is
    on the web, where a file may be another one at the next request, is put on disk first.

    Parameters
    ----------
    waiting : callable, optional
        Makes what is entered while the network is waited for, when the content is read.

    Raises
    ------
    SourceNotAllowed
        403: outside what the deployment allows.
    BodyTooLarge
        413: more than ``settings.max_source_bytes``.
    SourceNotFetchable
        424: S3 or the web refused, or took longer than ``settings.source_timeout_s``.
    Overloaded
        503: no room on the disk.
    """
    if isinstance(source, InlineAudio):
        return BytesInMemory(source.data)
    if isinstance(source, UrlAudio):
        return web.fetch(source.url, source.field, settings, disk)
    bucket, key = s3.allowed(
        source.uri, settings.audio_s3_prefixes, "s3_uri", "AudioInputS3Prefixes of the stack"
    )
    return s3.open_object(bucket, key, settings, waiting)
