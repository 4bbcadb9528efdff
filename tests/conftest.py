# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

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


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file's tests in one process, for what they share, and those alone in one."""
    for item in items:
        file = item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group("alone" if file.startswith(ALONE) else file))
