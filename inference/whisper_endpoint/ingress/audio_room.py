# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How much memory a process has for the audio and features of all its requests together.

Each request is bounded by itself, but a hundred at the same time are not. So a request takes room
for the most that a step may need before the step begins, and gives back what is too much.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from whisper_endpoint.errors import Overloaded

_ROOM_BYTES = 224 * 1024 * 1024
# What files may have of it: five pieces of the largest models. The rest is for live calls.
_FILE_BYTES = 128 * 1024 * 1024


@dataclass
class _Share:
    """What one kind of request may have, has, and waits for: who came first is let in first."""

    most: int
    used: int = 0
    waiting: deque[tuple[int, asyncio.Future[None]]] = field(default_factory=deque)


class AudioRoom:
    """Room for the audio of all requests of a process. For one event loop.

    Parameters
    ----------
    most_bytes, most_file_bytes : int
        Of all requests, and of those that are files.
    """

    def __init__(self, most_bytes: int = _ROOM_BYTES, most_file_bytes: int = _FILE_BYTES) -> None:
        self._most_bytes = most_bytes
        self._live = _Share(most_bytes)
        self._files = _Share(most_file_bytes)

    @property
    def used_bytes(self) -> int:
        """Bytes that requests have."""
        return self._live.used + self._files.used

    async def take(self, size: int, seconds: float, *, is_live: bool) -> None:
        """Wait for room, some seconds at most.

        Raises
        ------
        Overloaded
            503: there was none in that time.
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
                    "The audio of other requests takes all the memory that there is for it: try "
                    "again later, or send fewer recordings at once."
                ) from None
            raise

    def change(self, size: int, *, is_live: bool) -> None:
        """Note what is held in addition, or given back if negative, without waiting."""
        share = self._live if is_live else self._files
        share.used += size
        self._let_in()

    def _leave(self, share: _Share, turn: tuple[int, asyncio.Future[None]]) -> None:
        if turn in share.waiting:
            share.waiting.remove(turn)
        else:  # it was let in at the last moment
            share.used -= turn[0]
        self._let_in()

    def _let_in(self) -> None:
        # Files are not let in while a live call waits.
        for share in (self._live, self._files):
            while share.waiting:
                size, turn = share.waiting[0]
                if size > min(share.most - share.used, self._most_bytes - self.used_bytes):
                    return
                share.waiting.popleft()
                share.used += size
                turn.set_result(None)


class Holding:
    """What one request has of the room, given back when it is over at the latest."""

    def __init__(self, room: AudioRoom) -> None:
        self._room = room
        self._held = {True: 0, False: 0}

    async def take(self, size: int, seconds: float, *, is_live: bool) -> None:
        """Wait for room; see :meth:`AudioRoom.take`."""
        await self._room.take(size, seconds, is_live=is_live)
        self._held[is_live] += size

    def change(self, size: int, *, is_live: bool) -> None:
        """Hold more, or less if negative, without waiting."""
        self._room.change(size, is_live=is_live)
        self._held[is_live] += size

    def release(self) -> None:
        """Give everything back."""
        for is_live, size in self._held.items():
            self.change(-size, is_live=is_live)
