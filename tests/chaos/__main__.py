# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make chaos``: random lives of stacks, and whether planted bugs would be found.

Two stacks in one account are created, updated, rolled back and deleted, in an order drawn by
chance. Any call may be throttled, fail, be denied, lose its answer or find things not there yet;
the function may be ended before or after any call; a request may come twice; polls come late;
invocations overlap, and take turns between any two calls; weeks may pass.
Prints how often each kind of call met each kind of fault, then what was found. A dash is where a
call cannot meet a fault: only what refers to something made just before can find it missing. In a
whole run (10,000 sequences) every other cell has to be hit.
"""

import argparse
import os
import sys

from scripts.publish.progress import say
from tests.chaos.aws import FAULTS, can_meet
from tests.chaos.lives import Outcome, find, run_beside
from tests.chaos.mutants import NAMES

WHOLE = 10_000
"""Sequences of a whole run."""

ENOUGH = 0.8
"""Of a whole run's sequences have to meet a fault."""


def table(outcome: Outcome) -> list[str]:
    """Return the lines of the table: calls down, faults across."""
    calls = sorted(outcome.calls)
    width = max((len(call) for call in calls), default=0)
    lines = [" " * width + "  " + "  ".join(FAULTS)]
    for call in calls:
        cells = [
            (str(outcome.hits[call, kind]) if can_meet(call, kind) else "-").rjust(len(kind))
            for kind in FAULTS
        ]
        lines.append(call.ljust(width) + "  " + "  ".join(cells))
    return lines


def never_hit(outcome: Outcome) -> list[str]:
    """Return which calls never met a fault that they can meet."""
    return [
        f"{call} {kind}"
        for call in sorted(outcome.calls)
        for kind in FAULTS
        if can_meet(call, kind) and not outcome.hits[call, kind]
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sequences", type=int, default=WHOLE, help="how many (10,000)")
    parser.add_argument("--seed", type=int, default=0, help="the first one's (0)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="(one a core)")
    parser.add_argument("--no-mutants", action="store_true", help="plant no bugs")
    options = parser.parse_args(arguments)
    missed = []
    if not options.no_mutants:
        for name in NAMES:
            sequences = find(name, most=3000)
            found = f"found after {sequences} sequences" if sequences else "NOT FOUND"
            print(f"planted: {name}: {found}", flush=True)
            missed += [] if sequences else [name]
    say(f"living {options.sequences} sequences")
    outcome = run_beside(options.processes, options.sequences, options.seed)
    print("\n".join(table(outcome)))
    gaps = never_hit(outcome)
    print(f"never hit: {', '.join(gaps) or 'none'}")
    for violation in outcome.violations[:10]:
        print(violation)
    share = outcome.with_fault / max(outcome.sequences, 1)
    is_whole = options.sequences >= WHOLE
    asked = ", ".join(f"{count} {what}" for what, count in outcome.operations.most_common())
    print(f"{asked}; {outcome.overlaps} invocations beside another one")
    print(f"{share:.0%} of the sequences with a fault")
    print(f"{outcome.sequences} sequences, {len(outcome.violations)} violations")
    too_narrow = is_whole and (gaps or share < ENOUGH)
    return 1 if outcome.violations or missed or too_narrow else 0


if __name__ == "__main__":
    sys.exit(main())
