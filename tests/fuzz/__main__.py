# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fuzz request parser, audio decoder, engine, and requests together, each in its own process.

``python -m tests.fuzz`` runs each for 30 minutes or 10⁶ inputs, whichever comes first. It keeps the
corpus, and any input that broke something, in ``build/fuzz/<target>``.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reporting import columns
from scripts.publish.build import ROOT
from tests.fuzz import lines, seeds
from tests.fuzz.targets import TARGETS

FOLDER = ROOT / "build" / "fuzz"
HANGS_S = 600
"""More for one input is a hang; slowness is measured in CPU time (`targets.py`)."""
_AUDIO = ("decode", "containers", "concatenated_files", "timeline", "tracks", "wav", "raw")
_INGRESS = ("audio_room", "handler", "intake", "threads")
_PROGRAM = ROOT / "inference" / "whisper_endpoint"
_MODULES = {
    "parser": [*sorted((_PROGRAM / "parsing").glob("*.py"))],
    "decoder": [_PROGRAM / "audio" / f"{name}.py" for name in _AUDIO],
    "engine": [
        _PROGRAM / "engine" / "decoder.py",
        _PROGRAM / "engine" / "segments.py",
        *sorted((_PROGRAM / "engine" / "attempts").glob("*.py")),
    ],
    "together": [_PROGRAM / "ingress" / f"{name}.py" for name in _INGRESS],
}


@dataclass(frozen=True)
class FuzzReport:
    """Result of fuzzing a target; `failure` is the path of a failing input, or empty.

    `corpus`: number of inputs kept, which reach `covered` of `lines` statements in our functions.
    `grown_mb`: growth of the process since it was ready and idle.
    """

    target: str
    executions: int
    seconds: int
    corpus: int
    covered: int
    lines: int
    grown_mb: int
    failure: str


def fuzz(target: str, folder: Path, *, runs: int, seconds: int) -> FuzzReport:
    """Fuzz a target from its seeds and the corpus of earlier runs.

    `folder`: receives ``corpus/`` and, on failure, ``crash-…``, ``timeout-…`` or ``oom-…``. Ends
    after `runs` or `seconds`, whichever comes first.
    """
    corpus = folder / "corpus"
    seeds.write(target, corpus)
    command = [sys.executable, "-m", "tests.fuzz.child", target, str(corpus)]
    command += [f"-runs={runs}", f"-max_total_time={seconds}", f"-timeout={HANGS_S}"]
    command += [f"-report_slow_units={HANGS_S}"]
    command += [f"-artifact_prefix={folder}/", "-max_len=65536", "-print_final_stats=1"]
    path = os.pathsep.join([str(ROOT), str(ROOT / "inference")])
    began, log = time.monotonic(), folder / "log.txt"
    with log.open("wb") as output:
        ended = subprocess.run(
            command,
            env=os.environ | {"PYTHONPATH": path},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    said = log.read_text(errors="replace")
    failure = re.search(r"Test unit written to (\S+)", said)
    inputs = [one.read_bytes() for one in sorted(corpus.iterdir())]
    counted = lines.reached(TARGETS[target], inputs, _MODULES[target]).values()
    return FuzzReport(
        target,
        executions=_figure(said, "number_of_executed_units"),
        seconds=round(time.monotonic() - began),
        corpus=len(inputs),
        covered=sum(reached for reached, _ in counted),
        lines=sum(there for _, there in counted),
        grown_mb=_figure(said, "peak_rss_mb") - _figure(said, "idle_rss_mb"),
        failure=failure[1] if failure else "" if ended.returncode == 0 else str(log),
    )


def table(outcomes: list[FuzzReport]) -> list[str]:
    """Format the reports as a table."""
    rows = [("target", "inputs", "seconds", "kept", "statements", "MB more")]
    for one in outcomes:
        reached = f"{one.covered}/{one.lines} {one.covered / one.lines:.0%}"
        figures = (f"{one.executions:,}", f"{one.seconds:,}", f"{one.corpus:,}")
        rows.append((one.target, *figures, reached, f"{one.grown_mb:,}"))
    broken = [f"{one.target}: broken by {one.failure}" for one in outcomes if one.failure]
    return [*columns(rows, ">"), *broken]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "targets", nargs="*", choices=[*TARGETS, []], help="targets to fuzz (default: all)"
    )
    parser.add_argument(
        "--runs", type=int, default=1_000_000, help="inputs per target (default: 10⁶)"
    )
    parser.add_argument(
        "--seconds", type=int, default=1800, help="seconds per target (default: 1800)"
    )
    options = parser.parse_args(arguments)
    outcomes = []
    for target in options.targets or TARGETS:
        folder = FOLDER / target
        folder.mkdir(parents=True, exist_ok=True)
        outcomes.append(fuzz(target, folder, runs=options.runs, seconds=options.seconds))
    print("\n".join(table(outcomes)))
    return any(one.failure for one in outcomes)


def _figure(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", said)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
