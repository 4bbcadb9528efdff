# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""glibc settings for the environment of an engine process; an operator's own values win."""

import os

CPU_MEMORY = {
    # Per-thread arenas are limited to heaps of 64 MB; the main arena, shared by all, is not.
    "MALLOC_ARENA_MAX": "1",
    # Attention over 30 s allocates a block of 72 MB (base) per layer. From 32 MB on, malloc maps
    # each block anew and the kernel zeroes it: a quarter of the encoder's time.
    "MALLOC_MMAP_MAX_": "0",
    # Bytes of free memory at the top of the heap from which it is returned to the kernel.
    "MALLOC_TRIM_THRESHOLD_": str(1024 * 1024 * 1024),
}
"""malloc settings of an engine on a CPU (mallopt(3)); glibc reads them at process start."""


def for_process(device: str) -> dict[str, str]:
    """Return the variables to add to the environment of an engine process for this device."""
    wanted = CPU_MEMORY if device == "cpu" else {}
    return {name: value for name, value in wanted.items() if name not in os.environ}
