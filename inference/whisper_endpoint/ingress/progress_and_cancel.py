# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Writes the progress of a request to S3, and cancels it if a marker object appears there.

SageMaker cannot cancel an asynchronous request, and a caller that gives up does not end one. So
both go through S3: the object named by ``progress_s3_uri``, and a marker next to it.
"""

import asyncio
import datetime
import logging
from collections.abc import Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from whisper_endpoint.audio.sources import s3
from whisper_endpoint.errors import Cancelled, ProgressNotWritable
from whisper_endpoint.settings import EndpointSettings

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

PERIOD_S = 5.0
"""Seconds between checks of the marker, and between writes of the progress."""

STOP = ".stop"
"""Suffix that makes the marker's key from that of the progress object."""

_FIELD = "progress_s3_uri"


@dataclass
class Progress:
    """The progress of a request.

    Attributes
    ----------
    seconds_total : float or None
        Duration of its audio; None while that is being read.
    """

    seconds_total: float | None = None
    _channels: dict[int, float] = field(default_factory=dict)

    def expect(self, channels: int, seconds: float) -> None:
        """Set the number of channels and the duration of each."""
        self.seconds_total = seconds
        self._channels = dict.fromkeys(range(channels), 0.0)

    def reach(self, channel: int, seconds: float) -> None:
        """Record that a channel is transcribed up to ``seconds`` from its beginning."""
        self._channels[channel] = seconds

    @property
    def seconds_done(self) -> float:
        """Seconds from the beginning that are transcribed in every channel."""
        return min(self._channels.values(), default=0.0)


class ProgressObject:
    """The S3 object for a request's progress, and the marker next to it.

    Parameters
    ----------
    uri : str
        ``s3://bucket/key``, below the prefix that the operator allows.

    Raises
    ------
    SourceNotAllowed
        403: it is not below that prefix.
    """

    def __init__(self, uri: str, settings: EndpointSettings) -> None:
        prefixes = (settings.progress_s3_prefix,) if settings.progress_s3_prefix else ()
        self._bucket, self._key = s3.allowed(uri, prefixes, _FIELD, "WHISPER_PROGRESS_S3_PREFIX")
        self._client = s3.client(settings)

    def check(self) -> None:
        """Raise Cancelled (499) if the marker exists and can be read."""
        try:
            with s3.refusals():
                self._client.head_object(Bucket=self._bucket, Key=self._key + STOP)
        except s3.Refused:
            # Without s3:ListBucket, S3 answers 403 for a missing object too.
            return
        raise Cancelled(
            f"The request was cancelled by s3://{self._bucket}/{self._key}{STOP}: delete "
            "that object before you send the request again.",
            field=_FIELD,
        )

    def write(self, progress: Progress, request_id: str) -> None:
        """Write the progress, as in ``progress.schema.json``.

        Raises
        ------
        ProgressNotWritable
            424: S3 refused.
        """
        document = {
            "request_id": request_id,
            "seconds_done": round(progress.seconds_done, 3),
            "seconds_total": progress.seconds_total and round(progress.seconds_total, 3),
            "written_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        }
        try:
            with s3.refusals():
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._key,
                    Body=orjson.dumps(document),
                    ContentType="application/json",
                )
        except s3.Refused as refused:
            raise ProgressNotWritable(
                f"The progress could not be written to S3 ({refused}): check that the bucket "
                f"exists and that the endpoint's role may write there, or leave {_FIELD} out.",
                field=_FIELD,
            ) from None


async def watched(
    work: Coroutine[Any, Any, _T],
    place: ProgressObject,
    progress: Progress,
    request_id: str,
    threads: Executor,
) -> _T:
    """Run ``work`` while writing its progress every few seconds.

    Only the first write has to succeed; later failures are logged.

    Raises
    ------
    Cancelled
        499: the marker appeared; the work is cancelled.
    ProgressNotWritable
        424: the first write failed; no work was done.
    """
    loop = asyncio.get_running_loop()

    def report() -> None:
        place.check()
        place.write(progress, request_id)

    try:
        await loop.run_in_executor(threads, report)
    except BaseException:
        work.close()
        raise
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=PERIOD_S))[0]:
            await _tried(loop.run_in_executor(threads, report))
        answer = task.result()
        await _tried(loop.run_in_executor(threads, place.write, progress, request_id))
        return answer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _tried(report: asyncio.Future[None]) -> None:
    try:
        await report
    except ProgressNotWritable as error:
        logger.warning("%s", error)
