# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A memory budget for the audio and features of all requests of a process.

Each request is bounded, but a hundred at once are not. So before a step begins, a request reserves
the maximum that the step may need, and afterwards gives back what it did not use.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from whisper_endpoint.errors import Overloaded

_ROOM_BYTES = 224 * 1024 * 1024
# Share of files: five pieces with the largest models. The rest is reserved for live calls.
_FILE_BYTES = 128 * 1024 * 1024


@dataclass
class _Share:
    """Limit, use and waiting queue (first in, first out) of one kind of request."""

    most: int
    used: int = 0
    waiting: deque[tuple[int, asyncio.Future[None]]] = field(default_factory=deque)


class AudioRoom:
    """The memory budget for the audio of all requests of a process. For use in one event loop.

    Parameters
    ----------
    most_bytes, most_file_bytes : int
        Limits for all requests, and for files.
    """

    def __init__(self, most_bytes: int = _ROOM_BYTES, most_file_bytes: int = _FILE_BYTES) -> None:
        self._most_bytes = most_bytes
        self._live = _Share(most_bytes)
        self._files = _Share(most_file_bytes)

    @property
    def used_bytes(self) -> int:
        """Bytes reserved by all requests."""
        return self._live.used + self._files.used

    async def take(self, size: int, seconds: float, *, is_live: bool) -> None:
        """Reserve ``size`` bytes, waiting for at most ``seconds``.

        Raises
        ------
        Overloaded
            503: not enough memory became free in that time.
        """
        share = self._live if is_live else self._files
        turn = size, asyncio.get_running_loop().create_future()
        share.waiting.append(turn)
        self._let_in()
        try:
            async with asyncio.timeout(seconds):
                await turn[1]
        except BaseException as failure:
            self._leave(share, turn)
            if isinstance(failure, TimeoutError):
                raise Overloaded(
                    "The audio of other requests uses all the memory available for it: "
                    "try again later, or send fewer recordings at once."
                ) from None
            raise

    def change(self, size: int, *, is_live: bool) -> None:
        """Reserve more bytes, or release them if negative, without waiting."""
        share = self._live if is_live else self._files
        share.used += size
        self._let_in()

    def _leave(self, share: _Share, turn: tuple[int, asyncio.Future[None]]) -> None:
        if turn in share.waiting:
            share.waiting.remove(turn)
        else:  # the reservation was granted at the last moment
            share.used -= turn[0]
        self._let_in()

    def _let_in(self) -> None:
        # Files have to wait while a live call waits.
        for share in (self._live, self._files):
            while share.waiting:
                size, turn = share.waiting[0]
                if size > min(share.most - share.used, self._most_bytes - self.used_bytes):
                    return
                share.waiting.popleft()
                share.used += size
                turn.set_result(None)


class Holding:
    """The memory reserved by one request, released at its end at the latest."""

    def __init__(self, room: AudioRoom) -> None:
        self._room = room
        self._held = {True: 0, False: 0}

    async def take(self, size: int, seconds: float, *, is_live: bool) -> None:
        """Reserve memory, waiting if needed; see :meth:`AudioRoom.take`."""
        await self._room.take(size, seconds, is_live=is_live)
        self._held[is_live] += size

    def change(self, size: int, *, is_live: bool) -> None:
        """Reserve more bytes, or release them if negative, without waiting."""
        self._room.change(size, is_live=is_live)
        self._held[is_live] += size

    def release(self) -> None:
        """Release everything."""
        for is_live, size in self._held.items():
            self.change(-size, is_live=is_live)
