# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Reads audio from S3: which objects a request may name, and how they are fetched."""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from whisper_endpoint.audio.content import BLOCK_BYTES, BytesElsewhere
from whisper_endpoint.errors import BodyTooLarge, SourceNotAllowed, SourceNotFetchable
from whisper_endpoint.settings import EndpointSettings

_CONNECT_S = 5.0
_FIELD = "s3_uri"
# S3's error code for a range of an empty object.
_EMPTY = "InvalidRange"
_CHANGED = {"PreconditionFailed", "NoSuchKey", "404"}
# A session may not make two clients at a time.
_MAKING = threading.Lock()
# After this time, credentials that were changed in their file or elsewhere are read again.
_SESSION_S = 60.0


def allowed(uri: str, prefixes: tuple[str, ...], field: str, setting: str) -> tuple[str, str]:
    """Return the bucket and key of an allowed URI.

    Parameters
    ----------
    uri : str
        ``s3://bucket/key``.
    prefixes : tuple of str
        The URI must begin with one of them.
    field, setting : str
        The request's field and the operator's setting, for the error message.

    Raises
    ------
    SourceNotAllowed
        403
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    # HTTP clients resolve dot segments, so the key read might not be the key checked.
    dotted = {".", ".."} & set(key.split("/"))
    if dotted or not uri.startswith(prefixes):
        raise SourceNotAllowed(
            f"{uri!r} is not allowed as {field}: use a key below a prefix that this deployment "
            f"allows ({setting}).",
            field=field,
        )
    return bucket, key


def client(settings: EndpointSettings) -> Any:
    """Return a client with the operator's time-out for sources."""
    from botocore.config import Config  # noqa: PLC0415

    limits = Config(
        connect_timeout=min(_CONNECT_S, settings.source_timeout_s),
        read_timeout=settings.source_timeout_s,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    with _MAKING:
        return _session(int(time.monotonic() / _SESSION_S)).client("s3", config=limits)


@functools.lru_cache(maxsize=1)
def _session(_period: int) -> Any:
    """Return the session of a period; each stops all threads for 0.1 s to read service models."""
    # Imported here: most deployments never read S3, and boto3 takes time and memory.
    import boto3  # noqa: PLC0415

    return boto3.session.Session()


class Refused(Exception):
    """A call to S3 failed; the message is the error code."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn every error of a call to S3 into Refused.

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


class _Object:
    """An object read range by range, all of the same version (ETag).

    Parameters
    ----------
    waiting : callable
        Returns a context manager, entered while waiting for the network, except at the beginning.
    """

    def __init__(
        self,
        bucket: str,
        key: str,
        settings: EndpointSettings,
        waiting: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._where = {"Bucket": bucket, "Key": key}
        self._client = client(settings)
        self._waiting: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext
        self._waiting_later = waiting
        self._seconds_left = settings.source_timeout_s

    def open(self, most_bytes: int) -> BytesElsewhere:
        """Fetch the first block, and with it the size and ETag."""
        try:
            answer, first = self._get(0, BLOCK_BYTES)
        except Refused as refused:
            if str(refused) == _EMPTY:
                return BytesElsewhere(0, self.fetch)
            raise SourceNotFetchable(
                f"The object could not be read from S3 ({refused}): check that it exists and that "
                "the endpoint's role may read it.",
                field=_FIELD,
            ) from None
        _, _, size = answer.get("ContentRange", "").rpartition("/")
        total = int(size) if size.isdigit() else int(answer["ContentLength"])
        if total > most_bytes:
            raise BodyTooLarge(
                f"The object has more than {most_bytes:,} bytes: send a shorter recording, or one "
                "that is compressed.",
                field=_FIELD,
            )
        if len(first) != min(total, BLOCK_BYTES):
            raise _cut_short()
        self._where["IfMatch"] = answer["ETag"]
        self._waiting = self._waiting_later
        return BytesElsewhere(total, self.fetch, first)

    def fetch(self, start: int, end: int) -> bytes:
        """Return the bytes from start to end."""
        try:
            _, found = self._get(start, end)
        except Refused as refused:
            if str(refused) in _CHANGED:
                raise SourceNotFetchable(
                    "The object was overwritten or deleted while it was being read: send "
                    "the request again when the object no longer changes.",
                    field=_FIELD,
                ) from None
            raise SourceNotFetchable(
                f"The object could not be read to its end ({refused}): try again.", field=_FIELD
            ) from None
        if len(found) != end - start:
            raise _cut_short()
        return found

    def _get(self, start: int, end: int) -> tuple[dict[str, Any], bytes]:
        """Request a range; return S3's response and the bytes, at most ``end - start``."""
        begin = time.monotonic()
        with self._waiting(), refusals():
            answer = self._client.get_object(Range=f"bytes={start}-{end - 1}", **self._where)
            with contextlib.closing(answer["Body"]) as body:
                found = body.read(end - start)
        self._seconds_left -= time.monotonic() - begin
        if self._seconds_left < 0:
            raise SourceNotFetchable(
                "The object could not be read in time: try again, or send a smaller one.",
                field=_FIELD,
            )
        # A store without range requests would return the beginning every time.
        if start and not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
            raise SourceNotFetchable(
                "The object's store does not support byte ranges: send the audio itself.",
                field=_FIELD,
            )
        return answer, found


def open_object(
    bucket: str,
    key: str,
    settings: EndpointSettings,
    waiting: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> BytesElsewhere:
    """Return the bytes of an object, which are fetched on demand.

    Parameters
    ----------
    waiting : callable, optional
        Returns a context manager, entered while waiting for the network.

    Raises
    ------
    BodyTooLarge
        413: more than ``settings.max_source_bytes``.
    SourceNotFetchable
        424: now, or when bytes are read: S3 refused, the object has changed, or fetching took
        longer than ``settings.source_timeout_s`` in all.
    """
    return _Object(bucket, key, settings, waiting).open(settings.max_source_bytes)


def _cut_short() -> SourceNotFetchable:
    return SourceNotFetchable(
        "The object ended before its announced length: try again.", field=_FIELD
    )
