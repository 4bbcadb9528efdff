# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Random access to the bytes of a file in memory, on disk, or fetched on demand."""

import bisect
import itertools
import re
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from whisper_endpoint.audio.disk import DiskFile
from whisper_endpoint.errors import EndpointError

BLOCK_BYTES = 1024 * 1024
"""Unit in which bytes are fetched, searched and cached."""

_LONGEST_PATTERN = 128
# Blocks fetched at once in sequential reading: fewer requests, for little memory.
_AHEAD = 4
# Cached blocks: enough to read ahead in the two places where a video is read, index and samples.
_KEPT = 3 * _AHEAD


class FileBytes(ABC):
    """Bytes with random access, as ``content[start:end]``.

    Attributes
    ----------
    failure : EndpointError or None
        Why bytes could not be read. FFmpeg reports such a failure as the end of the file.
    check : callable
        Called for each block that is searched; may raise.
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
        """Return the bytes from start to end, which are both in range."""

    def __getitem__(self, where: slice) -> bytes:
        """Return the bytes of a slice without a step."""
        start, end, _ = where.indices(len(self))
        return self.read(start, end) if start < end else b""

    def startswith(self, mark: bytes, start: int = 0) -> bool:
        """Whether the bytes at ``start`` are those of a mark."""
        return self[start : start + len(mark)] == mark

    def places(self, pattern: re.Pattern[bytes], start: int = 0) -> Iterator[int]:
        """Yield the offsets at or after ``start`` where a pattern of at most 128 bytes matches."""
        for begin in range(start, len(self), BLOCK_BYTES):
            self.check()
            # Include the beginning of the next block: a match may cross the border.
            for found in pattern.finditer(self[begin : begin + BLOCK_BYTES + _LONGEST_PATTERN]):
                if found.start() < BLOCK_BYTES:
                    yield begin + found.start()

    def part(self, start: int, end: int) -> "FileBytes":
        """Return a range of the bytes as a separate file."""
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
    """Bytes that were stored on disk as they arrived."""

    def __init__(self, file: DiskFile) -> None:
        self._file = file

    def __len__(self) -> int:
        """Return how many there are."""
        return self._file.size

    def read(self, start: int, end: int) -> bytes:
        """Return some."""
        return self._file.read(start, end - start)


class BytesElsewhere(FileBytes):
    """Bytes that are fetched in blocks; the most recently used blocks are cached.

    Parameters
    ----------
    size : int
        Total number of bytes.
    fetch : callable
        Returns all bytes from ``start`` to ``end``, or raises an EndpointError.
    first : bytes
        The first bytes, fetched already; whole blocks, or everything.
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
        """Return the bytes from start to end.

        Raises
        ------
        EndpointError
            Raised by ``fetch``, now or earlier.
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
    """The concatenation of several ranges of a file."""

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
    """A file in which some bytes are replaced."""

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
