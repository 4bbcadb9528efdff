# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Run many lives drawn by hypothesis; report statistics and the shortest violation."""

import multiprocessing
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, reproduce_failure, settings
from hypothesis import strategies as st
from hypothesis.errors import DidNotReproduce
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from tests.chaos.account import Account
from tests.chaos.answers import Violation
from tests.chaos.lives import LIVES, Fault, Life
from tests.chaos.patched_environment import Stage, replaced
from tests.chaos.planted_bugs import planted

PART = 250
"""Lives drawn from one seed."""

_SETTINGS = settings(
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)

Hold = Callable[[], None]


@dataclass
class Statistics:
    """Statistics of many lives."""

    sequences: int = 0
    with_fault: int = 0
    overlaps: int = 0
    """Number of overlapping invocations."""
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def count(self, account: Account) -> None:
        """Add a life."""
        self.sequences += 1
        self.with_fault += bool(account.hits)
        self.overlaps += account.invocations.overlaps
        self.hits.update(account.hits)
        self.calls.update(account.aws.calls)
        self.operations.update(account.asked)

    def add(self, other: "Statistics") -> None:
        """Add another's statistics."""
        for name, found in vars(other).items():
            setattr(self, name, getattr(self, name) + found)


def run(
    count: int,
    seed: int = 0,
    size: int = PART,
    *,
    processes: int = 1,
    progress: Callable[[Statistics], None] = lambda so_far: None,
) -> Statistics:
    """Run a number of lives, the same in any number of processes.

    Parameters
    ----------
    count : int
    seed : int, optional
        Seed of the first part; the others' follow.
    size : int, optional
        Lives per part; a part ends with its first violation, shrunk.
    """
    total = Statistics()
    sizes = [min(size, count - first) for first in range(0, count, size)]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        living = map if processes == 1 else pool.map
        for part in living(_live, sizes, range(seed, seed + len(sizes))):
            total.add(part)
            progress(total)
    return total


def find(name: str, most: int, seed: int = 0, *, shrink: bool = False) -> Statistics:
    """Run at most `most` lives to find a planted bug."""
    return _live(most, seed, name, shrink=shrink)


def seek(fault: Fault, most: int, seed: int = 0) -> Statistics:
    """Run parts until a call has met a fault that waits for it in every life."""
    total = Statistics()
    lives = LIVES.map(lambda life: replace(life, waiting=fault))
    while total.sequences < most and not total.hits[fault.operation, fault.kind]:
        total.add(_live(PART, seed + total.sequences // PART, lives=lives))
    return total


def replay(code: str, name: str = "") -> Statistics:
    """Replay a life from a violation's code."""
    statistics = Statistics()
    with replaced() as stage, planted(name) if name else nullcontext():
        hold = reproduce_failure(hypothesis.__version__, code.encode())(_hold(stage, statistics))
        with suppress(DidNotReproduce):
            _meet(settings(_SETTINGS)(hold), stage, statistics)
    return statistics


def _live(
    count: int,
    seed: int,
    name: str = "",
    *,
    shrink: bool = True,
    lives: st.SearchStrategy[Life] = LIVES,
) -> Statistics:
    statistics = Statistics()
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    with _same_everywhere(), replaced() as stage, planted(name) if name else nullcontext():
        hold = settings(_SETTINGS, max_examples=count, phases=phases)(
            _hold(stage, statistics, lives)
        )
        _meet(hypothesis.seed(seed)(hold), stage, statistics)
    return statistics


@contextmanager
def _same_everywhere() -> Iterator[None]:
    """Make hypothesis depend on the seed alone: it also draws constants from loaded modules."""
    with (
        patch.object(providers, "_get_local_constants", Constants),
        patch.object(providers, "CONSTANTS_CACHE", LRUCache(1024)),
    ):
        yield


def _hold(stage: Stage, statistics: Statistics, lives: st.SearchStrategy[Life] = LIVES) -> Hold:
    """Return the test of a life's invariants; shrinking runs are not counted."""
    failed: list[Life] = []

    @given(life=lives)
    def holds(life: Life) -> None:
        account = stage.new()
        try:
            account.live(life)
        except Violation:
            failed.append(life)
            raise
        finally:
            account.close()
            if len(failed) <= 1:
                statistics.count(account)

    return holds


def _meet(hold: Hold, stage: Stage, statistics: Statistics) -> None:
    """Run the test, and record its violation."""
    try:
        hold()
    except Violation as violation:
        assert stage.account  # the shortest life runs last
        story = "\n    ".join(stage.account.story)
        code = re.search(r"b'([^']+)'", "".join(getattr(violation, "__notes__", [])))
        again = f'make chaos ARGS="--replay {code[1]}"' if code else ""
        statistics.violations.append(f"{violation}\n    {story}\n  again: {again}")
