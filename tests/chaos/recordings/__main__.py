# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make chaos``, for recordings: random job lifecycles, and whether planted bugs are detected.

Simulates uploads that S3 reports five times, recordings that are overwritten or deleted, an
endpoint that fails, notifications that are lost, late, repeated or earlier than the stored token,
jobs that are cancelled in each state, a throttled table, and functions killed between two calls.
"""

import argparse
import sys
import traceback

from tests.chaos.recordings.lives import machine
from tests.chaos.recordings.planted_bugs import BUGS, planted

WHOLE = 2000
"""Sequences in a full run."""

FOR_A_BUG = 12_000
"""Sequences within which a planted bug must be found: the rarest need a thousand on average."""


def found(bug: str, sequences: int) -> bool:
    """Return whether a planted bug is found within a number of sequences."""
    with planted(bug):
        try:
            machine(sequences, shrink=False)("runTest").runTest()
        except Exception:
            return True
    return False


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.recordings", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--sequences", type=int, default=WHOLE, help=f"number of lives (default: {WHOLE:,})"
    )
    parser.add_argument(
        "--bugs", type=int, default=len(BUGS), help="number of bugs to plant (default: all)"
    )
    options = parser.parse_args(arguments)
    violations = 0
    try:
        machine(options.sequences, derandomize=False)("runTest").runTest()
    except Exception:
        traceback.print_exc()
        violations = 1
    print(f"recordings: {options.sequences:,} sequences, {violations} violations")
    missed = [bug for bug in list(BUGS)[: options.bugs] if not found(bug, FOR_A_BUG)]
    for bug in missed:
        print(f"recordings: not found: {bug}")
    print(f"recordings: {options.bugs - len(missed)} of {options.bugs} planted bugs found")
    return 1 if violations or missed else 0


if __name__ == "__main__":
    sys.exit(main())
