# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A bound on what FFmpeg takes because a file says so.

Some containers state how many descriptions, channels or samples follow, and FFmpeg makes room for
them before it has read one: 200 bytes of CAF that claim 30 million channels took 960 MB.
"""

import contextlib
import ctypes
import logging
from functools import cache
from pathlib import Path

import av

log = logging.getLogger(__name__)

MOST_BYTES = 8 * 1024 * 1024
"""The largest block, where recordings are no longer than 66 minutes."""

# The index of a video has 60 entries a second, of 24 bytes each; that of AAC at 48 kHz has 47.
_INDEX_BYTES_PER_SECOND = 2_000
# From malloc.h: left alone, glibc raises the threshold to 32 MB as such blocks are freed, and each
# of many threads keeps what it has freed below it.
_M_MMAP_THRESHOLD, _MAPPED_BYTES = -3, 2 * 1024 * 1024
_M_ARENA_MAX, _ARENAS = -8, 2


@cache
def bound(seconds: float = 3600) -> bool:
    """Let FFmpeg refuse any larger block, in this process from now on (``av_max_alloc``).

    A file may claim an index of that size for each of its streams.

    Parameters
    ----------
    seconds : float
        How long a recording may be.

    Returns
    -------
    bool
        False, with a warning in the log, where PyAV did not bring its own FFmpeg: then it is not
        known which library the process uses.
    """
    packages = Path(av.__file__).parent.parent
    # Where the wheels of PyAV have it on Linux and on macOS.
    found = [*packages.glob("av.libs/libavutil*"), *packages.glob("av/.dylibs/libavutil*")]
    if not found:
        log.warning(
            "FFmpeg's memory is not bounded: install PyAV from its wheel (pip install "
            "--only-binary av av) so that a damaged file cannot take much of it."
        )
        return False
    limit = ctypes.CDLL(str(found[0])).av_max_alloc
    limit.argtypes, limit.restype = [ctypes.c_size_t], None
    limit(max(MOST_BYTES, round(seconds * _INDEX_BYTES_PER_SECOND)))
    with contextlib.suppress(AttributeError):  # another system's library
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    return True
