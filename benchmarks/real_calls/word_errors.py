# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Word errors of composed calls by speech level, next to faster-whisper's.

``python -m benchmarks.real_calls.word_errors tiny.en --levels -20 -40`` composes English calls and
transcribes each channel separately with the endpoint's pipeline and ``WhisperModel.transcribe``,
both in int8 with one thread.
"""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.accuracy import WordErrors, total
from benchmarks.bench.variants.in_process import InProcess
from benchmarks.real_calls import scoring
from benchmarks.real_calls.compose import CHANNELS, CallRecipe, ComposedCall, compose
from benchmarks.real_calls.transcripts import (
    FasterWhisper,
    HeardCall,
    read_heard,
    request_body,
)
from benchmarks.reporting import columns
from scripts.weights import NAMES, weights
from whisper_endpoint.settings import EndpointSettings

_DEADLINE_S = 600.0
_FIRST_SEED = 201  # different from the tests' calls
_HEADING = ("speech dBFS", "words", "errors", "faster-whisper's", "rate", "faster-whisper's")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_calls.word_errors")
    parser.add_argument("model", choices=NAMES)
    parser.add_argument(
        "--levels", type=float, nargs="+", default=(-6.0, -12.0, -20.0, -30.0, -40.0)
    )
    parser.add_argument("--calls", type=int, default=5, help="calls per level (default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="length of each call in seconds (default: 120)"
    )
    options = parser.parse_args(arguments)
    folder = weights(options.model)
    settings = EndpointSettings(compute_type="int8", cpu_threads=1, deadline_s=_DEADLINE_S)
    endpoint, reference = InProcess(folder, settings), FasterWhisper(folder, threads=1)
    rows: list[tuple[str, ...]] = [_HEADING]
    try:
        for level in options.levels:
            ours, theirs = [], []
            for seed in range(_FIRST_SEED, _FIRST_SEED + options.calls):
                recipe = CallRecipe(seed=seed, seconds=options.seconds, levels_dbfs=(level, level))
                call = compose(recipe)
                ours.append(call_errors(call, _transcribed(endpoint, call)))
                channels = [call.audio(number) for number in range(CHANNELS)]
                theirs.append(call_errors(call, reference.transcribe(channels, "en")))
            rows.append(_row(level, total(ours), total(theirs)))
            print("\n".join(columns(rows, ">")), flush=True)
    finally:
        endpoint.close()
    return 0


def _transcribed(endpoint: InProcess, call: ComposedCall) -> HeardCall:
    answer = endpoint.send(request_body(call.wav(), language="en"), "application/json")
    return read_heard(answer.body)


def call_errors(call: ComposedCall, heard: HeardCall) -> WordErrors:
    """Count the word errors of both channels, compared separately."""
    return total(
        scoring.text_errors(call, number, heard.channel(number)) for number in range(CHANNELS)
    )


def _row(level: float, ours: WordErrors, theirs: WordErrors) -> tuple[str, ...]:
    counts = (ours.words, ours.errors, theirs.errors)
    rates = (f"{100 * one.rate:.2f} %" for one in (ours, theirs))
    return f"{level:g}", *map(str, counts), *rates


if __name__ == "__main__":
    sys.exit(main())
