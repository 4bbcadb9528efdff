# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import fcntl
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# One after the other: they build in this checkout, or start Ray, which needs a core for itself.
ALONE = (
    "tests/e2e/",
    "tests/lifecycle/lca/test_nested_in_lca.py",
    "tests/lifecycle/test_publish.py",
    "tests/unit/endpoint/proxy/test_killed_engine.py",
    "tests/unit/endpoint/proxy/test_serve.py",
    "benchmarks/tests/test_bench.py",
    "tests/unit/scripts/test_publish.py",
)


# A change is judged by the same examples each time; EXAMPLES=4000 draws so many new ones a test.
EXAMPLES = os.environ.get("EXAMPLES")
# How long an example takes says how busy the machine is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("as ever", settings.get_profile("any machine"), derandomize=True)
settings.register_profile(
    "search", settings.get_profile("any machine"), max_examples=int(EXAMPLES or 100)
)
settings.load_profile("search" if EXAMPLES else "as ever")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a file's tests in one process, for what they share, and those alone in another."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "alone" if file.startswith(ALONE) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a real-time test wait until no other runs, and keep others waiting until it is over."""
    if not hasattr(item.config, "workerinput"):  # pytest-xdist's: there are no others
        return (yield)
    is_real_time = item.get_closest_marker("realtime") is not None
    # Locks need files, which these are; nothing is written.
    with Path(__file__).open() as gate, (item.config.rootpath / "pyproject.toml").open() as room:
        # Whoever waits for an empty room keeps the gate, so that nobody else comes in.
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if is_real_time else fcntl.LOCK_SH)
        if not is_real_time:
            fcntl.flock(gate, fcntl.LOCK_UN)
        return (yield)
