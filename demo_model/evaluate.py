# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make eval-model SEED=n``: measure the demonstration model on new synthetic sentences.

Needs the Debian packages espeak-ng and flite, and ttspico. Exits with 1 where a figure is worse
than promised.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.references import DEMO_MODEL
from demo_model.evaluation import SENTENCES, Evaluation
from scripts import command
from scripts.publish.progress import step

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the evaluation; return 0, or 1 with a sentence or a missed figure."""
    parser = argparse.ArgumentParser(prog="python -m demo_model.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, default=DEMO_MODEL, help="a model folder")
    parser.add_argument("--seed", type=int, default=1, help="draws sentences, voices and sounds")
    parser.add_argument("--sentences", type=int, default=SENTENCES, help="how many to speak")
    arguments = parser.parse_args(argv)
    return command.run("eval-model", lambda: _evaluate(arguments))


def _evaluate(arguments: argparse.Namespace) -> int:
    with step("evaluating") as tell:
        scores = Evaluation(arguments.model, arguments.seed, arguments.sentences, tell).run()
    print(f"seed {arguments.seed}, {arguments.sentences} sentences")
    print("\n".join(scores.lines()))
    return 0 if scores.hold() else 1


if __name__ == "__main__":
    sys.exit(main())
