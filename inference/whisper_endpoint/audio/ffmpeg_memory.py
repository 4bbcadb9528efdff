# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Limits the memory that FFmpeg allocates because a file asks for it.

Some containers declare how many descriptions, channels or samples follow, and FFmpeg allocates
memory for them before reading any: 200 bytes of CAF declaring 30 million channels took 960 MB.
"""

import contextlib
import ctypes
import logging
from functools import cache
from pathlib import Path

import av

log = logging.getLogger(__name__)

MOST_BYTES = 8 * 1024 * 1024
"""Largest allocation, if recordings are no longer than 66 minutes."""

# A video's index has 60 entries of 24 bytes per second; that of AAC at 48 kHz has 47.
_INDEX_BYTES_PER_SECOND = 2_000
# From malloc.h. By default, glibc raises this threshold up to 32 MB as large blocks are freed, and
# each thread keeps freed blocks below it.
_M_MMAP_THRESHOLD, _MAPPED_BYTES = -3, 2 * 1024 * 1024
_M_ARENA_MAX, _ARENAS = -8, 2


@cache
def bound(seconds: float = 3600) -> bool:
    """Limit the size of any FFmpeg allocation in this process (``av_max_alloc``).

    A file may still claim an index of that size for each of its streams.

    Parameters
    ----------
    seconds : float
        Maximum length of a recording.

    Returns
    -------
    bool
        False, with a warning in the log, if PyAV does not bundle FFmpeg: then it is unknown which
        library the process uses.
    """
    packages = Path(av.__file__).parent.parent
    # Its location in PyAV's wheels for Linux and macOS.
    found = [*packages.glob("av.libs/libavutil*"), *packages.glob("av/.dylibs/libavutil*")]
    if not found:
        log.warning(
            "FFmpeg's memory is not limited, so a damaged file can use a lot of it: "
            "install PyAV from its wheel (pip install --only-binary av av)."
        )
        return False
    limit = ctypes.CDLL(str(found[0])).av_max_alloc
    limit.argtypes, limit.restype = [ctypes.c_size_t], None
    limit(max(MOST_BYTES, round(seconds * _INDEX_BYTES_PER_SECOND)))
    with contextlib.suppress(AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    return True
