# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Objects in S3: which a request may name, and the client that reaches them."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from whisper_endpoint.audio.content import BLOCK_BYTES, BytesElsewhere
from whisper_endpoint.errors import BodyTooLarge, SourceNotAllowed, SourceNotFetchable
from whisper_endpoint.settings import EndpointSettings

_CONNECT_S = 5.0
_FIELD = "s3_uri"
# S3's code for a range of what is empty.
_EMPTY = "InvalidRange"
_CHANGED = {"PreconditionFailed", "NoSuchKey", "404"}


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


class _Object:
    """An object that is read range by range, all of them of the state that it had first.

    Parameters
    ----------
    waiting : callable
        Makes what is entered while the network is waited for, but for the beginning.
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
        """Fetch the beginning, and with it what the object is."""
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
        """Return the bytes from a position to another."""
        try:
            _, found = self._get(start, end)
        except Refused as refused:
            if str(refused) in _CHANGED:
                raise SourceNotFetchable(
                    "The object was overwritten or deleted while it was read: ask again when it "
                    "does not change any more.",
                    field=_FIELD,
                ) from None
            raise SourceNotFetchable(
                f"The object could not be read to its end ({refused}): ask again.", field=_FIELD
            ) from None
        if len(found) != end - start:
            raise _cut_short()
        return found

    def _get(self, start: int, end: int) -> tuple[dict[str, Any], bytes]:
        """Ask for a range; returns S3's answer and at most so many bytes."""
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
        # A store without ranges would answer with the beginning, again and again.
        if start and not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
            raise SourceNotFetchable(
                "The object is in a store that gives no ranges of bytes: send the audio itself.",
                field=_FIELD,
            )
        return answer, found


def open_object(
    bucket: str,
    key: str,
    settings: EndpointSettings,
    waiting: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> BytesElsewhere:
    """Return the bytes of an object, which are fetched when they are wanted.

    Parameters
    ----------
    waiting : callable, optional
        Makes what is entered while the network is waited for.

    Raises
    ------
    BodyTooLarge
        413: more than ``settings.max_source_bytes``.
    SourceNotFetchable
        424: now, or when bytes are read: S3 refused, the object is not what it was at first, or
        fetching took longer than ``settings.source_timeout_s`` in all.
    """
    return _Object(bucket, key, settings, waiting).open(settings.max_source_bytes)


def _cut_short() -> SourceNotFetchable:
    return SourceNotFetchable("The object ended before its end: ask again.", field=_FIELD)
