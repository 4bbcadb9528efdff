# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What an engine's process has in its environment, and what comes of it."""

import os
import subprocess
import sys

import pytest

from whisper_endpoint.engine import environment

_FAULTS = """
import resource, threading
import numpy as np

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
    np.ones(18_000_000, np.float32)
    before = faults()
    for _ in range(3):
        np.ones(18_000_000, np.float32)
    print(faults() - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def _faults(more: dict[str, str]) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", _FAULTS],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(ran.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_a_large_block_is_used_again() -> None:
    usual, ours = _faults({}), _faults(environment.for_process("cpu"))
    # 72 MB have 17,578 pages of 4 kB, or 36 of 2 MB where the kernel takes such by itself.
    assert ours < 30 < usual


def test_a_gpu_and_what_is_set_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.for_process("cuda") == {}
    monkeypatch.setenv("MALLOC_ARENA_MAX", "3")
    assert environment.for_process("cpu").keys() == environment.CPU_MEMORY.keys() - {
        "MALLOC_ARENA_MAX"
    }
