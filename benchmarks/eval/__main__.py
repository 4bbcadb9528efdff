# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make eval AUDIO=folder``: measure the word error rate on your own recordings.

Measures an endpoint on SageMaker (`--endpoint-name`), one at an address (`--url`), or a model in
this process (`--model`). Recordings without a reference text are compared with faster-whisper.
Prints a table and writes a page that shows every error.
"""

import argparse
import functools
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.eval import report, targets
from benchmarks.eval.measure import ComparedPart, Comparison
from benchmarks.eval.recordings import RecordedFile, recordings
from benchmarks.real_calls.transcripts import FasterWhisper
from scripts import command
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError
from scripts.publish.progress import step

MODEL = "base"
OUT = ROOT / "build" / "eval"


def main() -> int:
    """Evaluate; return the exit status, 1 if a recording was refused."""
    options = _options()
    return command.run("eval", lambda: _evaluate(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eval", description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="folder with recordings and, if available, their reference texts"
    )
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--endpoint-name", help="name of a SageMaker endpoint")
    target.add_argument("--url", help="address of an endpoint, as printed by make endpoint")
    parser.add_argument(
        "--region", help="AWS Region of the endpoint (default: from the environment)"
    )
    parser.add_argument(
        "--model",
        default=MODEL,
        help=f"base, tiny.en, demo or a folder: measured where no endpoint is named, and what "
        f"recordings without a text are compared with ({MODEL})",
    )
    parser.add_argument("--language", help="spoken language (default: detected)")
    parser.add_argument("--out", type=Path, default=OUT, help="output folder (default: build/eval)")
    return parser.parse_args()


def _evaluate(options: argparse.Namespace) -> int:
    found = recordings(options.folder)
    with ExitStack() as stack:
        rows = _measure(found, _comparison(options, stack))
    titles = _titles(options, found)
    print(f"{titles.measured}, compared with {titles.compared_with}")
    print("\n".join(report.lines(rows)))
    print(report.write(rows, titles, options.out))
    return 1 if any(one.refusal for one in rows) else 0


def _comparison(options: argparse.Namespace, stack: ExitStack) -> Comparison:
    if options.endpoint_name:
        ask = targets.sagemaker(options.endpoint_name, options.region)
    elif options.url:
        ask = targets.address(options.url)
    else:
        ask = stack.enter_context(targets.in_process(targets.folder_of(options.model)))
    reference = functools.cache(lambda: FasterWhisper(targets.folder_of(options.model), threads=0))
    return Comparison(ask, reference, options.language)


def _measure(found: list[RecordedFile], comparison: Comparison) -> list[ComparedPart]:
    rows: list[ComparedPart] = []
    with step("Transcribing") as tell:
        for number, recording in enumerate(found, start=1):
            tell(f"{recording.name}, {number} of {len(found)}")
            rows += comparison.rows(recording)
    if all(row.refusal for row in rows):
        raise CommandError(f"Nothing was transcribed. {rows[0].name}: {rows[0].refusal}")
    return rows


def _titles(options: argparse.Namespace, found: list[RecordedFile]) -> report.Titles:
    if options.endpoint_name:
        measured = f"the endpoint {options.endpoint_name}"
    else:
        measured = options.url or f"{options.model} in this process (int8)"
    texts = sum(bool(one.texts) for one in found)
    library = (
        f"what faster-whisper makes of the same audio with {options.model} "
        "(int8, its defaults with vad_filter): differences, not errors"
    )
    if texts == len(found):
        return report.Titles(measured, "the texts next to the recordings")
    if texts:
        library = f"the texts next to {texts} of {len(found)} recordings; the others with {library}"
    return report.Titles(measured, library)


if __name__ == "__main__":
    sys.exit(main())
