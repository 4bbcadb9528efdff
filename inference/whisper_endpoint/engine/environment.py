# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the environment of an engine's process tells glibc; what an operator has set stays."""

import os

CPU_MEMORY = {
    # Heaps of threads end at 64 MB: all threads share the one that does not.
    "MALLOC_ARENA_MAX": "1",
    # Attention over 30 s takes a block of 72 MB (base) in each layer. From 32 MB on malloc has the
    # kernel map a block anew and fill it with zeros each time: a quarter of the encoder's time.
    "MALLOC_MMAP_MAX_": "0",
    # What is free at the end of the heap is given back from here on, in bytes.
    "MALLOC_TRIM_THRESHOLD_": str(1024 * 1024 * 1024),
}
"""How malloc keeps the memory of an engine on a CPU (mallopt(3)); read when a process starts."""


def for_process(device: str) -> dict[str, str]:
    """Return what the environment of an engine's process has in addition when it starts."""
    wanted = CPU_MEMORY if device == "cpu" else {}
    return {name: value for name, value in wanted.items() if name not in os.environ}
