# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measure all variants under the same loads, one after another at each load.

A machine's speed varies from minute to minute, so compared variants are measured in adjacent
minutes, and the median of several rounds counts. Each variant has its own process, to measure its
memory.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar
from unittest.mock import patch

from benchmarks.bench import shapes
from benchmarks.bench.rows import BenchRow, median
from benchmarks.bench.variants import hosted
from benchmarks.references import DEMO_MODEL
from benchmarks.reporting import Countdown
from scripts import weights
from scripts.publish.errors import CommandError
from scripts.publish.progress import step
from whisper_endpoint.engine.environment import for_process

_T = TypeVar("_T")

TOKENIZER = DEMO_MODEL / "tokenizer.json"


@dataclass(frozen=True, kw_only=True)
class BenchPlan:
    """What to measure: every combination, for `seconds` after `warm_up_s`, `rounds` times."""

    variants: tuple[str, ...]
    models: tuple[str, ...]
    policies: tuple[str, ...]
    concurrency: tuple[int, ...]
    seconds: float
    warm_up_s: float
    rounds: int

    @property
    def measurements(self) -> int:
        """Number of measurements."""
        combinations = len(self.variants) * len(self.models) * len(self.policies)
        return combinations * len(self.concurrency) * self.rounds


def measure(plans: Sequence[BenchPlan]) -> list[BenchRow]:
    """Measure everything; return one row per combination of each plan."""
    rows: list[BenchRow] = []
    progress = Countdown(sum(plan.measurements for plan in plans))
    for plan in plans:
        for model in plan.models:
            with folder_of(model) as folder:
                for policy in plan.policies:
                    rows += _policy(plan, model, folder, policy, progress)
    return rows


def in_own_process(variant: str, work: Callable[..., _T], *arguments: object) -> _T:
    """Run some work for a variant in a new process, and return its result.

    The process has the environment of the variant's Ray process. Raises CommandError if it
    dies.
    """
    with _new_process() as process, _environment_of(variant):
        return _done(process, variant, work, *arguments)


@contextmanager
def folder_of(model: str) -> Iterator[Path]:
    """Yield the folder of a model's weights; those of ``tiny-shape`` are generated and deleted."""
    if model in weights.NAMES:
        yield weights.weights(model)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        shapes.make(Path(folder), shapes.SHAPES["tiny"], TOKENIZER, "int8")
        yield Path(folder)


def _policy(
    plan: BenchPlan, model: str, folder: Path, policy: str, progress: Countdown
) -> Iterator[BenchRow]:
    with ExitStack() as stack:
        children = [
            stack.enter_context(_Child(variant, model, folder, policy)) for variant in plan.variants
        ]

        def measured(child: _Child, callers: int) -> BenchRow:
            made = child.measure(callers, plan.warm_up_s, plan.seconds)
            rate = f"{made.requests_per_s:.1f} requests/s, p50 {made.p50_ms:.0f} ms"
            progress.done(f"{child.name} {callers}: {rate}")
            return made

        for callers in plan.concurrency:
            rounds = [[measured(child, callers) for child in children] for _ in range(plan.rounds)]
            yield from map(median, zip(*rounds, strict=True))


class _Child:
    """A variant in its own process."""

    def __init__(self, variant: str, model: str, folder: Path, policy: str) -> None:
        self.name = f"{variant} {model} {policy}"
        self._variant = (variant, model, folder, policy)
        self._process = _new_process()

    def __enter__(self) -> Self:
        with step(f"Starting {self.name}"), _environment_of(self._variant[0]):
            self._run(hosted.start, *self._variant)
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._run(hosted.close)

    def measure(self, callers: int, warm_up_s: float, seconds: float) -> BenchRow:
        """Measure one load."""
        with step(f"{self.name} {callers}"):
            return self._run(hosted.measure, callers, warm_up_s, seconds)

    def _run(self, work: Callable[..., _T], *arguments: object) -> _T:
        return _done(self._process, self.name, work, *arguments)


def _new_process() -> ProcessPoolExecutor:
    """Return a process that starts with its first work, in the environment at that time."""
    # Spawned: a fork would start with this process's memory.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _environment_of(variant: str) -> AbstractContextManager[object]:
    """Set the environment that Ray would give to an in-process variant."""
    return patch.dict(os.environ, for_process("cpu") if variant == "engine" else {})


def _done(
    process: ProcessPoolExecutor, name: str, work: Callable[..., _T], *arguments: object
) -> _T:
    try:
        return process.submit(work, *arguments).result()
    except BrokenProcessPool as error:
        raise CommandError(f"The process of {name} ended.") from error
