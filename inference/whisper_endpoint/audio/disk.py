# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is too long for memory is on disk, in files without a name, within bounds.

The system removes such a file when nobody has it open any more, whatever ended the process: there
is nothing to be swept up. It is read and written by position instead of being mapped: mapped pages
would count as the process's memory, and a disk that is full would end it.
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
    """The room that a process may take of the disk, in the folder for temporary files.

    Parameters
    ----------
    most_bytes : int
        Of all files at any time.

    Attributes
    ----------
    used_bytes : int
        Of all files now.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self.used_bytes = 0

    def take(self, count: int) -> None:
        """Take room for this many bytes more; a negative number gives room back.

        Raises
        ------
        Overloaded
            503
        """
        with self._lock:
            if count > 0 and self.used_bytes + count > self._most_bytes:
                raise _no_room(f"recordings in progress take {self.used_bytes:,} bytes of it")
            self.used_bytes += count


class DiskFile:
    """Bytes on disk, gone with the last reference to them; what was not written is zero.

    It cannot be closed: a thread that still reads for a caller who is gone would read from
    whatever file has its number by then.

    Attributes
    ----------
    size : int
        Up to the end of the last that was written.
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
            503: no room on the disk.
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
        """Return some bytes, fewer at the end."""
        parts = []
        while count > 0 and (part := os.pread(self._file, count, position)):
            parts.append(part)
            position, count = position + len(part), count - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class DiskLine:
    """Samples on disk that are put down in any order, each once; silence where nothing is put.

    Attributes
    ----------
    length : int
        Samples up to the end of the last that was put down.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._file = DiskFile(disk)

    @property
    def length(self) -> int:
        """Samples up to the end of the last that was put down."""
        return self._file.size // _SAMPLE_BYTES

    def add(self, position: int, samples: NDArray[np.int16]) -> None:
        """Put samples down from a position on.

        Raises
        ------
        Overloaded
            503: no room on the disk.
        """
        self._file.write(position * _SAMPLE_BYTES, samples.astype("<i2").tobytes())

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        """Return samples as they were put down, full scale 32,768."""
        found = np.zeros(end - start, np.float32)
        data = self._file.read(start * _SAMPLE_BYTES, (end - start) * _SAMPLE_BYTES)
        found[: len(data) // _SAMPLE_BYTES] = np.frombuffer(data, "<i2")
        return found

    def finish(self, length: int, divisor: int) -> "StoredSamples":
        """Return this many samples, full scale -1 to 1."""
        return StoredSamples(self._disk, [self], length, divisor)


class StoredSamples:
    """Samples of a recording on disk, read as ``samples[start:end]``.

    Parameters
    ----------
    disk : Disk
        Where they are.
    lines : sequence of DiskLine
        What sounds together.
    length : int
        Samples; what a line does not have is silent.
    divisor : int
        By which the sum of the lines is divided.
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
        """Return samples in memory, float32 in [-1, 1]; a slice without steps."""
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
    """Open a file that has no name, in the folder for temporary files."""
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
