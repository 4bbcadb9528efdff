# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""All variants under the same loads, one after the other at each load.

The machine's own mood changes from minute to minute; what is compared is measured in neighbouring
minutes, and of several rounds the median counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench import shapes
from benchmarks.bench.progress import Progress
from benchmarks.bench.rows import Row, median
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError
from scripts.publish.progress import step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEMO = ROOT / "samples" / "model"
TOKENIZER = DEMO / "tokenizer.json"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure: every combination.

    Attributes
    ----------
    variants, models, policies : tuple of str
    concurrency : tuple of int
    seconds, warm_up_s : float
        Of each measurement.
    rounds : int
    """

    variants: tuple[str, ...]
    models: tuple[str, ...]
    policies: tuple[str, ...]
    concurrency: tuple[int, ...]
    seconds: float
    warm_up_s: float
    rounds: int

    @property
    def measurements(self) -> int:
        """How many there are."""
        combinations = len(self.variants) * len(self.models) * len(self.policies)
        return combinations * len(self.concurrency) * self.rounds


def measure(plans: Sequence[Plan]) -> list[Row]:
    """Measure everything; one row for each combination of each plan."""
    rows: list[Row] = []
    progress = Progress(sum(plan.measurements for plan in plans))
    for plan in plans:
        for model in plan.models:
            with weights(model) as folder:
                for policy in plan.policies:
                    rows += _policy(plan, model, folder, policy, progress)
    return rows


@contextmanager
def weights(model: str) -> Iterator[Path]:
    """Have a model's weights in a folder; those of ``tiny-shape`` are made and removed again."""
    if model == "demo":
        yield DEMO
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        shapes.make(Path(folder), shapes.SHAPES["tiny"], TOKENIZER, "int8")
        yield Path(folder)


def _policy(plan: Plan, model: str, folder: Path, policy: str, progress: Progress) -> Iterator[Row]:
    with ExitStack() as stack:
        children = [
            stack.enter_context(_Child(variant, model, folder, policy, progress))
            for variant in plan.variants
        ]
        for callers in plan.concurrency:
            wanted = {
                "concurrency": callers,
                "seconds": plan.seconds,
                "warm_up_s": plan.warm_up_s,
            }
            rounds = [[child.measure(wanted) for child in children] for _ in range(plan.rounds)]
            yield from map(median, zip(*rounds, strict=True))


class _Child:
    """A variant in its process."""

    def __init__(
        self, variant: str, model: str, folder: Path, policy: str, progress: Progress
    ) -> None:
        self._progress = progress
        self._name = f"{variant} {model} {policy}"
        command = [
            sys.executable,
            "-m",
            "benchmarks.bench.child",
            variant,
            model,
            str(folder),
            policy,
        ]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __enter__(self) -> _Child:
        with step(f"Starting {self._name}"):
            self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._log.close()

    def measure(self, wanted: dict[str, Any]) -> Row:
        """Have it measure one load."""
        name = f"{self._name} {wanted['concurrency']}"
        with step(name):
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(wanted) + "\n")
            self._process.stdin.flush()
            made = Row(**self._read())
        self._progress.done(
            f"{name}: {made.requests_per_s:.1f} requests/s, p50 {made.p50_ms:.0f} ms"
        )
        return made

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self._log.seek(0)
            said = self._log.read().strip().splitlines() or ["nothing"]
            raise CommandError(f"{self._name} ended with status {status}, saying: {said[-1]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise CommandError(answer["error"])
        return answer
