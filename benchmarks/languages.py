# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Accuracy of language detection on the first seconds of an utterance, by allowed languages.

``python -m benchmarks.languages base`` detects the language of the beginnings of real prompts in
five languages: with all languages allowed, and with two, the prompt's own first or
second.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import ctranslate2
import numpy as np

from benchmarks.real_calls.prompts import SAMPLE_RATE, VOICES, Prompt, read_prompts
from benchmarks.reporting import Countdown, columns
from scripts.weights import NAMES, weights
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.features import FRAMES_PER_SECOND, Features, stack
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.engine.attempts import languages
from whisper_endpoint.engine.model import load_model
from whisper_endpoint.engine.window_lengths import DEFAULT_SECONDS
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters
from whisper_endpoint.settings import EndpointSettings

_SECONDS = (1.0, 1.5, 2.0, 3.0, 3.9, 6.0)
_FRAMES = round(DEFAULT_SECONDS[0] * FRAMES_PER_SECOND)
_HEADING = ("seconds", "of", "any allowed", "own first, of two", "other first, of two")

Ranking = Sequence[tuple[str, float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.languages")
    parser.add_argument("model", choices=NAMES)
    parser.add_argument(
        "--prompts", type=int, default=25, help="prompts per language (default: 25)"
    )
    options = parser.parse_args(arguments)
    settings = EndpointSettings(compute_type="int8", cpu_threads=1, engine_workers=1)
    model, _, _ = load_model(weights(options.model), "cpu", settings)
    rows: list[tuple[str, ...]] = [_HEADING]
    countdown = Countdown(len(_SECONDS))
    for seconds in _SECONDS:
        heard = [(one.language, _ranking(model, one, seconds)) for one in _chosen(options.prompts)]
        rows.append(_row(seconds, heard))
        countdown.done(f"beginnings of {seconds:g} s")
    print("\n".join(columns(rows, ">")))
    return 0


def _chosen(number: int) -> Iterator[Prompt]:
    for language in VOICES:
        prompts = [one for one in read_prompts(language) if one.seconds >= _SECONDS[-1] / 2]
        order = np.random.default_rng(1).permutation(len(prompts))[:number]
        yield from (prompts[index] for index in order)


def _ranking(model: Any, prompt: Prompt, seconds: float) -> Ranking:
    pcm = prompt.samples[: round(seconds * SAMPLE_RATE)].astype("<i2").tobytes()
    audio = decode(pcm, Limits(seconds=seconds + 1), RawForm("pcm16", SAMPLE_RATE))
    how = Parameters(vad_filter=False)
    (window,) = record(audio, Features(model.n_mels), how).whole().windows
    stacked = ctranslate2.StorageView.from_array(stack([window.features], _FRAMES))
    (ranking,) = model.detect_language(model.encode(stacked))
    found: Ranking = ranking
    return found


def _row(seconds: float, heard: Sequence[tuple[str, Ranking]]) -> tuple[str, ...]:
    frames = round(seconds * FRAMES_PER_SECOND)

    def right(allowed: Sequence[str], spoken: str, ranking: Ranking) -> bool:
        return languages.choose(ranking, allowed, frames)[0] == spoken

    pairs = [
        (spoken, other, ranking)
        for (spoken, ranking), other in product(heard, VOICES)
        if other != spoken
    ]
    counts = (
        (sum(right((), *one) for one in heard), len(heard)),
        (sum(right((own, other), own, ranking) for own, other, ranking in pairs), len(pairs)),
        (sum(right((other, own), own, ranking) for own, other, ranking in pairs), len(pairs)),
    )
    return f"{seconds:g}", str(len(heard)), *(f"{100 * hit / of:.1f} %" for hit, of in counts)


if __name__ == "__main__":
    sys.exit(main())
