# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The bytes of a file, wherever they are: in memory, on disk, or fetched when they are wanted."""

import bisect
import itertools
import re
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from whisper_endpoint.audio.disk import DiskFile
from whisper_endpoint.errors import EndpointError

BLOCK_BYTES = 1024 * 1024
"""What is fetched, looked through or kept at once."""

_LONGEST_PATTERN = 128
# Fetched at once where bytes are read in order: fewer requests, and little memory.
_AHEAD = 4
# A video is read in two places, its table and its samples; as many as can be read ahead in each.
_KEPT = 3 * _AHEAD


class FileBytes(ABC):
    """Bytes that are read in any order, as ``content[start:end]``.

    Attributes
    ----------
    failure : EndpointError or None
        Why bytes could not be read. Who reads through another program may see it as an end.
    check : callable
        Is called between two blocks that are looked through, and may raise.
    are_fetched : bool
        Whether reading waits for a network.
    """

    failure: EndpointError | None = None
    are_fetched: bool = False
    check: Callable[[], None] = staticmethod(lambda: None)

    @abstractmethod
    def __len__(self) -> int:
        """Return how many there are."""

    @abstractmethod
    def read(self, start: int, end: int) -> bytes:
        """Return some; both ends are within them."""

    def __getitem__(self, where: slice) -> bytes:
        """Return those of a slice, without steps."""
        start, end, _ = where.indices(len(self))
        return self.read(start, end) if start < end else b""

    def startswith(self, mark: bytes, start: int = 0) -> bool:
        """Whether a mark stands at a position."""
        return self[start : start + len(mark)] == mark

    def places(self, pattern: re.Pattern[bytes], start: int = 0) -> Iterator[int]:
        """Yield where a pattern, of at most 128 bytes, is found from a position on."""
        for begin in range(start, len(self), BLOCK_BYTES):
            self.check()
            # With the beginning of the next block: what is looked for may stand across.
            for found in pattern.finditer(self[begin : begin + BLOCK_BYTES + _LONGEST_PATTERN]):
                if found.start() < BLOCK_BYTES:
                    yield begin + found.start()

    def part(self, start: int, end: int) -> "FileBytes":
        """Return a stretch, as a file of its own."""
        return _Part(self, start, end)


class BytesInMemory(FileBytes):
    """Bytes that came with a request."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._data)

    def read(self, start: int, end: int) -> bytes:
        """Return some."""
        return self._data[start:end]


class BytesOnDisk(FileBytes):
    """Bytes that were written down as they came."""

    def __init__(self, file: DiskFile) -> None:
        self._file = file

    def __len__(self) -> int:
        """Return how many there are."""
        return self._file.size

    def read(self, start: int, end: int) -> bytes:
        """Return some."""
        return self._file.read(start, end - start)


class BytesElsewhere(FileBytes):
    """Bytes that are fetched in blocks, of which the last few are kept.

    Parameters
    ----------
    size : int
        Of all.
    fetch : callable
        Returns those from a position to another, all of them, or raises an EndpointError.
    first : bytes
        Those from the beginning that were fetched already; whole blocks, or everything.
    """

    are_fetched = True

    def __init__(self, size: int, fetch: Callable[[int, int], bytes], first: bytes = b"") -> None:
        self._size = size
        self._fetch = fetch
        self._blocks = OrderedDict[int, bytes]()
        self._keep(0, first)

    def __len__(self) -> int:
        """Return how many there are."""
        return self._size

    def read(self, start: int, end: int) -> bytes:
        """Return some.

        Raises
        ------
        EndpointError
            What ``fetch`` refused with, now or before.
        """
        first, last = start // BLOCK_BYTES, (end - 1) // BLOCK_BYTES
        wanted = b"".join(self._block(number) for number in range(first, last + 1))
        return wanted[start - first * BLOCK_BYTES : end - first * BLOCK_BYTES]

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            if self.failure is not None:
                raise self.failure
            count = _AHEAD if number - 1 in self._blocks else 1
            begin = number * BLOCK_BYTES
            try:
                found = self._fetch(begin, min(begin + count * BLOCK_BYTES, self._size))
            except EndpointError as error:
                self.failure = error
                raise
            self._keep(number, found)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _keep(self, number: int, data: bytes) -> None:
        for begin in range(0, len(data), BLOCK_BYTES):
            self._blocks[number + begin // BLOCK_BYTES] = data[begin : begin + BLOCK_BYTES]
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)


class JoinedBytes(FileBytes):
    """Stretches of a file, one after another."""

    def __init__(self, pieces: Sequence[FileBytes]) -> None:
        self._pieces = pieces
        self._ends = list(itertools.accumulate(map(len, pieces)))
        self.are_fetched = pieces[0].are_fetched

    def __len__(self) -> int:
        """Return how many there are."""
        return self._ends[-1]

    def read(self, start: int, end: int) -> bytes:
        """Return some."""
        found = []
        number = bisect.bisect_right(self._ends, start)
        while start < end:
            piece, stop = self._pieces[number], min(end, self._ends[number])
            begin = self._ends[number] - len(piece)
            found.append(piece[start - begin : stop - begin])
            start, number = stop, number + 1
        return b"".join(found)


class BytesWith(FileBytes):
    """A file in which some bytes are others."""

    def __init__(self, whole: FileBytes, position: int, others: bytes) -> None:
        self._whole = whole
        self.are_fetched = whole.are_fetched
        self._position = position
        self._others = others

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._whole)

    def read(self, start: int, end: int) -> bytes:
        """Return some."""
        found = bytearray(self._whole.read(start, end))
        for at, byte in enumerate(self._others, self._position):
            if start <= at < end:
                found[at - start] = byte
        return bytes(found)


class _Part(FileBytes):
    def __init__(self, whole: FileBytes, start: int, end: int) -> None:
        self._whole = whole
        self.are_fetched = whole.are_fetched
        self._start = start
        self._size = end - start

    def __len__(self) -> int:
        return self._size

    def read(self, start: int, end: int) -> bytes:
        return self._whole.read(self._start + start, self._start + end)

    def part(self, start: int, end: int) -> FileBytes:
        return self._whole.part(self._start + start, self._start + end)
