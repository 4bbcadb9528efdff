# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Gigabytes in the memory of a few blocks, to test memory use with large files."""

import bisect
import itertools
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

BLOCK = 1 << 20
"""Size of blocks cut here; given blocks may have any length."""


class Content:
    """A file's content, in blocks.

    Parameters
    ----------
    blocks : iterable of bytes
        The same object may occur any number of times.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = tuple(blocks)
        self._ends = list(itertools.accumulate(map(len, self._blocks)))

    @classmethod
    def cut(cls, body: Any, known: dict[bytes, bytes]) -> "Content":
        """Return the content of bytes, a reader or blocks; equal blocks are stored once."""
        if hasattr(body, "read"):
            body = iter(partial(body.read, BLOCK), b"")
        elif isinstance(body, bytes | bytearray):
            starts, view = range(0, len(body), BLOCK), memoryview(body)
            body = (bytes(view[start : start + BLOCK]) for start in starts)
        return cls(known.setdefault(block, block) for block in body)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._blocks)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and self._blocks == other._blocks

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, where: slice) -> bytes:
        start, end, _ = where.indices(len(self))
        return b"".join(self._between(start, end))

    def _between(self, start: int, end: int) -> Iterator[bytes]:
        number = bisect.bisect_right(self._ends, start)
        while start < end:
            block, last = self._blocks[number], self._ends[number]
            first = last - len(block)
            yield block[start - first : end - first]
            start, number = last, number + 1


class BlockReader:
    """Reads a content sequentially, like a response body."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0

    def read(self, size: int | None = None) -> bytes:
        """Return the next bytes, or all remaining without a size."""
        start = self._position
        self._position = len(self._content) if size is None else start + size
        return self._content[start : self._position]

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        """Yield the rest in pieces."""
        return iter(partial(self.read, size), b"")
