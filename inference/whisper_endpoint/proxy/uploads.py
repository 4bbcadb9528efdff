# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Limits the time and memory of request bodies held by a proxy.

The body of a live request arrives within milliseconds. So if memory runs out, the body that has
been arriving for longest is dropped: a caller that sends half a body and stops harms nobody else.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from whisper_endpoint.errors import BodyTooSlow, Overloaded

# A minute of 16-bit samples at 16 kHz; few larger bodies are from live calls.
_LIVE_BYTES = 2 * 1024 * 1024
# Maximum share of memory for larger bodies; the rest is reserved for live calls.
_SHARE_OF_OTHERS = 0.75


@dataclass(eq=False)
class Upload:
    """A body, complete or still arriving.

    Attributes
    ----------
    size : int
        Bytes received.
    gave_way : bool
        Whether it was dropped to make room for others.
    """

    size: int = 0
    gave_way: bool = False


class Uploads:
    """All bodies held by a proxy. For use in one event loop.

    Parameters
    ----------
    max_bytes : int
        Limit for all bodies together; complete ones count until their requests are answered.
    timeout_s : float
        Seconds from the end of the headers to the end of the body.
    """

    def __init__(self, max_bytes: int, timeout_s: float) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._bytes = 0
        # Oldest first.
        self._arriving: dict[Upload, asyncio.Timeout] = {}

    @property
    def bytes_held(self) -> int:
        """Total bytes of all bodies."""
        return self._bytes

    @contextmanager
    def request(self) -> Iterator[Upload]:
        """Hold a body until its request is answered."""
        upload = Upload()
        try:
            yield upload
        finally:
            self._bytes -= upload.size

    @asynccontextmanager
    async def arriving(self, upload: Upload) -> AsyncIterator[None]:
        """Limit the time in which a body is received.

        Raises
        ------
        BodyTooSlow
            408: it was not complete in time.
        Overloaded
            503: it was dropped, because it had been arriving for longest and memory ran out.
        """
        try:
            async with asyncio.timeout(self._timeout_s) as timer:
                self._arriving[upload] = timer
                try:
                    yield
                finally:
                    del self._arriving[upload]
        except TimeoutError:
            if not upload.gave_way:
                raise BodyTooSlow(
                    f"The body did not arrive within {self._timeout_s:g} s: send shorter "
                    "audio, or its s3_uri."
                ) from None
        if upload.gave_way:
            raise _too_much()

    def grow(self, upload: Upload, size: int) -> None:
        """Account for more bytes of an arriving body; drop older ones if necessary.

        Raises
        ------
        Overloaded
            503: the complete bodies take all the memory.
        """
        upload.size += size
        self._bytes += size
        is_live = upload.size <= _LIVE_BYTES
        limit = self._max_bytes if is_live else self._max_bytes * _SHARE_OF_OTHERS
        for oldest in list(self._arriving):
            if self._bytes <= limit:
                break
            if oldest is not upload:
                self._drop(oldest)
        if self._bytes > limit:
            raise _too_much()

    def _drop(self, upload: Upload) -> None:
        self._bytes -= upload.size
        upload.size, upload.gave_way = 0, True
        self._arriving[upload].reschedule(asyncio.get_running_loop().time())


def _too_much() -> Overloaded:
    return Overloaded("Too many bodies are arriving at once: try again later.")
