# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# One after the other: they build in this checkout, or start Ray, whose ports are fixed.
ALONE = (
    "tests/e2e/",
    "tests/lifecycle/test_nested_in_lca.py",
    "tests/lifecycle/test_publish.py",
    "tests/unit/endpoint/test_endpoint_killed_engine.py",
    "tests/unit/endpoint/test_endpoint_serve.py",
    "tests/unit/test_bench.py",
    "tests/unit/test_build.py",
)


class ByFile(LoadScopeScheduling):
    """Keeps a file's tests in one process, for what they share, and those alone in another."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "alone" if file.startswith(ALONE) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
