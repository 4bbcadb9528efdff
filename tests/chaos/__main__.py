# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make chaos``: random stack lifecycles, and whether planted bugs are detected.

Two stacks in one account are created, updated, rolled back and deleted in random order. Any call
may be throttled, fail, be denied, lose its response or read stale data; the function may be killed
before or after any call; a request may come twice; polls come late; invocations overlap and
interleave between any two calls; weeks may pass.
Hypothesis generates the lifecycles: a violation is shrunk to the shortest one that has it, and
printed step by step with the code that `--replay` runs again.
Prints how often each kind of call met each kind of fault, then what was found. A dash marks a fault
that the call cannot meet: only calls that refer to something just created can find it missing. A
full run (10,000 sequences) must hit every other cell: for each one that it missed, more lifecycles
follow in which that fault happens to that call.
"""

import argparse
import os
import sys

from scripts.publish.progress import say
from tests.chaos.lives import FAULTS, Fault, can_meet
from tests.chaos.planted_bugs import BUGS
from tests.chaos.runs import Statistics, find, replay, run, seek

WHOLE = 10_000
"""Sequences in a full run."""

ENOUGH = 0.8
"""Minimum share of sequences with a fault in a full run."""

MOST_SOUGHT = 3_000
"""Maximum lives that seek a fault for a call that has not met it."""


def table(statistics: Statistics) -> list[str]:
    """Return the lines of the table: calls in rows, faults in columns."""
    calls = sorted(statistics.calls)
    width = max((len(call) for call in calls), default=0)
    lines = [" " * width + "  " + "  ".join(FAULTS)]
    for call in calls:
        cells = [
            (str(statistics.hits[call, kind]) if can_meet(call, kind) else "-").rjust(len(kind))
            for kind in FAULTS
        ]
        lines.append(call.ljust(width) + "  " + "  ".join(cells))
    return lines


def never_hit(statistics: Statistics) -> list[tuple[str, str]]:
    """Return the (call, fault) pairs that are possible but never occurred."""
    return [
        (call, kind)
        for call in sorted(statistics.calls)
        for kind in FAULTS
        if can_meet(call, kind) and not statistics.hits[call, kind]
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--sequences", type=int, default=WHOLE, help="number of lives (default: 10,000)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="random seed of the first 250 lives (default: 0)"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count(),
        help="number of processes (default: one per core)",
    )
    parser.add_argument("--no-mutants", action="store_true", help="plant no bugs")
    parser.add_argument("--mutants", action="store_true", help="only plant bugs")
    parser.add_argument(
        "--replay", metavar="CODE", help="replay the life with the code that a violation printed"
    )
    parser.add_argument(
        "--planted", metavar="BUG", default="", help="plant this bug, with --replay"
    )
    options = parser.parse_args(arguments)
    if options.replay:
        violations = replay(options.replay, options.planted).violations
        print("\n".join(violations) or "no violation")
        return 1 if violations else 0
    missed = [] if options.no_mutants else [name for name in BUGS if not _is_found(name)]
    if options.mutants:
        return 1 if missed else 0
    say(f"living {options.sequences} sequences")
    statistics = run(
        options.sequences,
        options.seed,
        processes=options.processes,
        progress=lambda so_far: say(f"{so_far.sequences} of {options.sequences} sequences"),
    )
    is_whole = options.sequences >= WHOLE
    for operation, kind in never_hit(statistics) if is_whole else ():
        say(f"seeking {operation} {kind}")
        statistics.add(seek(Fault(kind, operation=operation), MOST_SOUGHT))
    print("\n".join(table(statistics)))
    gaps = [" ".join(cell) for cell in never_hit(statistics)]
    print(f"never hit: {', '.join(gaps) or 'none'}")
    for violation in statistics.violations[:10]:
        print(violation)
    share = statistics.with_fault / max(statistics.sequences, 1)
    asked = ", ".join(f"{count} {what}" for what, count in statistics.operations.most_common())
    print(f"{asked}; {statistics.overlaps} invocations while another one ran")
    print(f"{share:.0%} of the sequences with a fault")
    print(f"{statistics.sequences} sequences, {len(statistics.violations)} violations")
    too_narrow = is_whole and (gaps or share < ENOUGH)
    return 1 if statistics.violations or missed or too_narrow else 0


def _is_found(name: str) -> bool:
    statistics = find(name, most=WHOLE)
    found = f"found after {statistics.sequences} sequences"
    print(f"planted: {name}: {found if statistics.violations else 'NOT FOUND'}", flush=True)
    return bool(statistics.violations)


if __name__ == "__main__":
    sys.exit(main())
