# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One sequence: what is asked of two stacks, step by step, from creation to deletion."""

import multiprocessing
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from local_cloud.sagemaker.hosting import Health
from tests.chaos.mutants import planted
from tests.chaos.world import Stack, Violation, World, installed

_DEAD = {"", "DELETE_COMPLETE", "ROLLBACK_COMPLETE"}


@dataclass
class Outcome:
    """What many sequences have come to."""

    sequences: int = 0
    with_fault: int = 0
    overlaps: int = 0
    """Invocations that went on while another one did."""
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Count another's sequences too."""
        self.sequences += other.sequences
        self.with_fault += other.with_fault
        self.overlaps += other.overlaps
        self.hits += other.hits
        self.calls += other.calls
        self.operations += other.operations
        self.violations += other.violations


def step(world: World, stack: Stack) -> str:
    """Ask something of a stack that can be asked of it now; returns what."""
    draw, containers = world.random, world.aws.containers
    bad = draw.random()
    containers.outcome = (Health.FAILED, "no capacity") if bad < 0.15 else (Health.READY, "")
    containers.transcribes = not 0.15 <= bad < 0.22
    containers.polls_to_start = draw.randint(0, 3)
    sibling_fails = draw.random() < 0.15
    if stack.status in _DEAD:
        world.create(stack, world.any_wanted(), sibling_fails=sibling_fails)
        return "create"
    if stack.status in {"DELETE_FAILED", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"}:
        world.delete(stack)
        return "delete again"
    kind = draw.choices(["update", "delete", "renew", "late poll"], [6, 2, 1, 1])[0]
    if kind == "update":
        assert stack.wanted
        is_change_of_type = draw.random() < 0.4
        wanted = world.other_type(stack.wanted) if is_change_of_type else world.any_wanted()
        world.update(stack, wanted, sibling_fails=sibling_fails)
    elif kind == "delete":
        world.delete(stack)
    elif kind == "renew":
        world.renew()
    else:
        world.late_poll()
    return kind


def live(world: World, outcome: Outcome, steps: int) -> None:
    """Live one sequence to its end, where both stacks are deleted."""
    try:
        for _ in range(steps):
            outcome.operations[step(world, world.random.choice(world.stacks))] += 1
        for stack in world.stacks:
            world.delete_surely(stack)
        world.late_poll()
        for stack in world.stacks:
            world.require_nothing_left(stack)
    finally:
        outcome.sequences += 1
        outcome.with_fault += bool(world.aws.hits)
        outcome.overlaps += world.overlaps
        outcome.hits.update(world.aws.hits)
        outcome.calls.update(world.aws.calls)


def run(count: int, seed: int = 0, stop_at: int = 1_000_000) -> Outcome:
    """Live a number of sequences.

    Parameters
    ----------
    count : int
    seed : int, optional
        The first sequence's; the others' follow it.
    stop_at : int, optional
        Violations after which it is enough.

    Returns
    -------
    Outcome
    """
    outcome = Outcome()
    with worlds() as made:
        _run(made, outcome, range(seed, seed + count), stop_at)
    return outcome


def run_beside(processes: int, count: int, seed: int = 0) -> Outcome:
    """Live the same sequences as `run` does, in several processes."""
    size = 250
    parts = [(min(size, seed + count - first), first) for first in range(seed, seed + count, size)]
    total = Outcome()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for outcome in pool.starmap(run, parts, chunksize=1):
            total.add(outcome)
    return total


def find(name: str, most: int) -> int:
    """Return the sequences that it took to find a planted bug; 0 where `most` did not find it."""
    outcome = Outcome()
    with worlds() as made, planted(name):
        _run(made, outcome, range(most), 1)
    return outcome.sequences if outcome.violations else 0


def _run(made: "Worlds", outcome: Outcome, seeds: range, stop_at: int) -> None:
    for number in seeds:
        world = made.new(random.Random(number))
        try:
            live(world, outcome, world.random.randint(2, 7))
        except Violation as violation:
            story = "\n    ".join(world.story[-14:])
            outcome.violations.append(f"sequence {number}: {violation}\n    {story}")
            if len(outcome.violations) >= stop_at:
                break


@contextmanager
def worlds() -> Iterator["Worlds"]:
    """Offer worlds to whoever draws the steps by other means."""
    with installed() as (handlers, tree, place):
        yield Worlds(handlers, tree, place)


class Worlds:
    """Makes worlds, one after another.

    Parameters
    ----------
    handlers, tree, place
        As `installed` yields them.
    """

    def __init__(self, handlers, tree, place) -> None:  # type: ignore[no-untyped-def]
        self._handlers, self._tree, self._place = handlers, tree, place

    def new(self, generator: random.Random) -> World:
        """Return a new world, which is the one that counts from now on."""
        world = World(generator, self._handlers, self._tree)
        self._place["world"] = world
        return world
