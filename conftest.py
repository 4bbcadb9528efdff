# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import ctypes
import fcntl
import functools
import gc
import json
import logging
import marshal
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, Loader
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# Run sequentially: they start Ray, which needs a core for itself.
ALONE = (
    "benchmarks/tests/test_bench.py",
    "tests/unit/endpoint/proxy/test_hang_ups.py",
    "tests/unit/endpoint/proxy/test_killed_engine.py",
    "tests/unit/endpoint/proxy/test_serve.py",
    "tests/e2e/",
)

# Also sequential, in parallel to those: they build in this checkout.
PUBLISHING = (
    "tests/lifecycle/lca/test_nested_in_lca.py",
    "tests/lifecycle/test_publish.py",
    "tests/unit/scripts/test_publish.py",
)
BUILD = ("tests/e2e/", *PUBLISHING)

# These take minutes in few tests: started last, they would run alone at the end.
LONG = (
    "tests/real/",
    "tests/chaos/",
    "tests/unit/endpoint/ingress/test_independence.py",
    "tests/unit/endpoint/ingress/test_long_files.py",
)

FIRST = (*ALONE, *PUBLISHING, *LONG)


# Deterministic examples by default; EXAMPLES=4000 draws that many new ones per test.
EXAMPLES = os.environ.get("EXAMPLES")
# The time of an example depends on the machine's load.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("as ever", settings.get_profile("any machine"), derandomize=True)
settings.register_profile(
    "search", settings.get_profile("any machine"), max_examples=int(EXAMPLES or 100)
)
settings.load_profile("search" if EXAMPLES else "as ever")

# As in whisper_endpoint.engine.environment: otherwise the kernel repeatedly zeroes the memory of
# Whisper's attention, a sixth of the real weights' time. These are M_MMAP_MAX, M_TRIM_THRESHOLD and
# M_ARENA_MAX of mallopt(3), specific to glibc.
for option, value in ((-4, 0), (-1, 1 << 30), (-8, 1)):
    getattr(ctypes.CDLL(None), "mallopt", lambda *_: None)(option, value)

_load_file, _list_services = JSONFileLoader.load_file, Loader.list_available_services


@functools.cache
def _parsed(path: str) -> bytes:
    return marshal.dumps(json.loads(json.dumps(_load_file(JSONFileLoader(), path))))


@functools.cache
def _loaded(path: str) -> Any:
    return marshal.loads(_parsed(path))  # noqa: S302 - our own


@functools.cache
def _listed(paths: tuple[str, ...], kind: str) -> Any:
    loader = Loader(include_default_search_paths=False, extra_search_paths=paths)
    return _list_services(loader, kind)


# Botocore only reads these.
_OF_REGIONS = ("endpoints", "partitions")


class _SharedModels(JSONFileLoader):  # type: ignore[misc]
    """Shares service models between sessions, as a session shares them between clients."""

    def load_file(self, file_path: str) -> Any:
        file = Path(file_path)
        is_read_only = file.parent.parent.parent.name == "data" or file.name in _OF_REGIONS
        return _loaded(file_path) if is_read_only else super().load_file(file_path)


# Tests create hundreds of sessions, each of which would find and parse its service models again.
# Callers with their own models, like moto, get a copy, since theirs are merged into it.
def _begin(loader: Loader, extra_search_paths: Any = None, *rest: Any, **more: Any) -> None:
    _init(loader, extra_search_paths, *rest, **more)
    if not extra_search_paths:
        loader.file_loader = _SharedModels()


JSONFileLoader.load_file = lambda _, path: marshal.loads(_parsed(path))  # noqa: S302 - our own
Loader.list_available_services = lambda loader, type_name: _listed(
    tuple(loader.search_paths), type_name
)
_init, Loader.__init__ = Loader.__init__, _begin


@pytest.fixture(autouse=True)
def logging_is_restored() -> Iterator[None]:
    """Undo what crhelper sets up for a process of its own.

    Its default is DEBUG for everything: the tests after it would spend a third of their time on
    JSON of what libraries say.
    """
    loggers = [logging.getLogger(name) for name in (None, "boto", "boto3", "botocore", "urllib3")]
    levels = [logger.level for logger in loggers]
    formatters = [(handler, handler.formatter) for handler in logging.root.handlers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    for handler, formatter in formatters:
        handler.setFormatter(formatter)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a file's tests in one process, to share fixtures, and each chain in one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        for chain in (ALONE, PUBLISHING):
            if file.startswith(chain):
                return chain[0]
        return file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest tests: short files fill the end.

    Tests that must run alone come last, when few others wait for them.
    """
    items.sort(key=lambda item: (_place(item.nodeid), _is_real_time(item)))


def pytest_collection_finish() -> None:
    """Spare garbage collection the six thousand tests and all modules (8 % of the tests' time)."""
    gc.collect()
    gc.freeze()


def _place(nodeid: str) -> int:
    found = (place for place, start in enumerate(FIRST) if nodeid.startswith(start))
    return next(found, len(FIRST))


def _is_real_time(item: pytest.Item) -> bool:
    return item.get_closest_marker("realtime") is not None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a real-time test alone: wait for others to finish, and keep new ones waiting.

    Tests that build in this checkout run one at a time.
    """
    if not hasattr(item.config, "workerinput"):  # no pytest-xdist, so no other tests run
        return (yield)
    is_real_time = _is_real_time(item)
    # Existing files that serve as locks; nothing is written.
    root = item.config.rootpath
    with (
        Path(__file__).open() as gate,
        (root / "pyproject.toml").open() as room,
        (root / "Makefile").open() as workshop,
    ):
        # A test waiting for an empty room holds the gate, so that no other enters.
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if is_real_time else fcntl.LOCK_SH)
        if not is_real_time:
            fcntl.flock(gate, fcntl.LOCK_UN)
        if item.nodeid.startswith(BUILD):
            fcntl.flock(workshop, fcntl.LOCK_EX)
        return (yield)
