# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Stores audio that is too long for memory on disk, in unnamed files, within a limit.

The kernel removes an unnamed file once it is closed, however the process ends: nothing is left to
clean up. Files are read and written by position, not mapped: mapped pages would count as the
process's memory, and a full disk would kill the process.
"""

import errno
import os
import tempfile
import threading
import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.errors import Overloaded

_SAMPLE_BYTES = 2


class Disk:
    """The disk space that a process may use, in the folder for temporary files.

    Parameters
    ----------
    most_bytes : int
        Limit for all files together.

    Attributes
    ----------
    used_bytes : int
        Current size of all files.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self.used_bytes = 0

    def take(self, count: int) -> None:
        """Reserve this many more bytes; a negative number releases them.

        Raises
        ------
        Overloaded
            503: the limit would be exceeded.
        """
        with self._lock:
            if count > 0 and self.used_bytes + count > self._most_bytes:
                raise _no_room(f"recordings in progress use {self.used_bytes:,} bytes of it")
            self.used_bytes += count


class DiskFile:
    """Bytes on disk, deleted with the last reference to this object; gaps read as zeros.

    There is no close method: a thread still reading for an abandoned request would then read from
    whatever file has got the same descriptor.

    Attributes
    ----------
    size : int
        End of the last byte written.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.size = 0
        self._file = _unnamed()
        self._taken = [0]
        weakref.finalize(self, _give_back, disk, self._file, self._taken)

    def write(self, position: int, data: bytes) -> None:
        """Write some bytes at a position.

        Raises
        ------
        Overloaded
            503: no space on the disk.
        """
        end = position + len(data)
        growth = max(0, end - self.size)
        self._disk.take(growth)
        self._taken[0] += growth
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._file, view, position)
                view, position = view[written:], position + written
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise _no_room(f"{os.strerror(error.errno).lower()}") from None
        self.size = max(self.size, end)

    def read(self, position: int, count: int) -> bytes:
        """Return ``count`` bytes, fewer at the end."""
        parts = []
        while count > 0 and (part := os.pread(self._file, count, position)):
            parts.append(part)
            position, count = position + len(part), count - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class DiskLine:
    """Samples on disk, written in any order, each once; gaps are silent.

    Attributes
    ----------
    length : int
        Number of samples up to the last one written.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._file = DiskFile(disk)

    @property
    def length(self) -> int:
        """Number of samples up to the last one written."""
        return self._file.size // _SAMPLE_BYTES

    def add(self, position: int, samples: NDArray[np.int16]) -> None:
        """Write samples at a position.

        Raises
        ------
        Overloaded
            503: no space on the disk.
        """
        self._file.write(position * _SAMPLE_BYTES, samples.astype("<i2").tobytes())

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        """Return samples as written, with full scale 32,768."""
        found = np.zeros(end - start, np.float32)
        data = self._file.read(start * _SAMPLE_BYTES, (end - start) * _SAMPLE_BYTES)
        found[: len(data) // _SAMPLE_BYTES] = np.frombuffer(data, "<i2")
        return found

    def finish(self, length: int, divisor: int) -> "StoredSamples":
        """Return ``length`` samples, scaled to [-1, 1]."""
        return StoredSamples(self._disk, [self], length, divisor)


class StoredSamples:
    """Samples of a recording on disk, read as ``samples[start:end]``.

    Parameters
    ----------
    disk : Disk
        Where new lines are stored.
    lines : sequence of DiskLine
        Lines to mix.
    length : int
        In samples; shorter lines are padded with silence.
    divisor : int
        Divisor of the sum of the lines.
    """

    def __init__(self, disk: Disk, lines: Sequence[DiskLine], length: int, divisor: int) -> None:
        self._disk = disk
        self._lines = lines
        self._length = length
        self._scale = np.float32(1 / 32768 / divisor)

    def __len__(self) -> int:
        """Return the number of samples."""
        return self._length

    def __getitem__(self, where: slice) -> NDArray[np.float32]:
        """Return the samples of a slice without a step, float32 in [-1, 1]."""
        start, end, _ = where.indices(self._length)
        if end <= start or not self._lines:
            return np.zeros(max(0, end - start), np.float32)
        first, *others = self._lines
        found = first.read(start, end)
        for line in others:
            found += line.read(start, end)
        found *= self._scale
        return found

    def new_line(self) -> DiskLine:
        """Return an empty line on the same disk."""
        return DiskLine(self._disk)


def _unnamed() -> int:
    """Open an unnamed file in the folder for temporary files; return its descriptor."""
    with tempfile.TemporaryFile(buffering=0) as file:
        return os.dup(file.fileno())


def _give_back(disk: Disk, file: int, taken: list[int]) -> None:
    os.close(file)
    disk.take(-taken[0])


def _no_room(why: str) -> Overloaded:
    return Overloaded(
        f"The endpoint's disk has no room for the recording ({why}): try again later, or send a "
        "shorter one."
    )
