# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Accuracy of short windows: the same utterances at every window length that fits.

``python -m benchmarks.window_lengths base`` composes utterances of real prompts and decodes each as
a partial and as a final, with windows of 10, 15, 20 and 30 s; it reports errors and CPU time per
utterance. A row compares the same utterances: those that fit 10 s, or longer ones that
fit 15.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import total, word_errors
from benchmarks.in_process import transcribe
from benchmarks.real_calls.prompts import SAMPLE_RATE, read_prompts
from benchmarks.reporting import columns
from scripts.weights import NAMES, weights
from whisper_endpoint.engine import window_lengths
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.model import load_model
from whisper_endpoint.ingress.planning.decoding_parameters import for_partial
from whisper_endpoint.messages import Parameters, Priority
from whisper_endpoint.settings import EndpointSettings

_SECONDS = (10.0, 15.0, 20.0, 30.0)
# Usable length of a window, without its margin.
_LONGEST = (8.0, 13.0)
_PAUSE_S = 0.35

Said = tuple[str, NDArray[np.int16]]
"""A text and its 8 kHz samples."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.window_lengths")
    parser.add_argument("model", choices=NAMES)
    parser.add_argument(
        "--utterances", type=int, default=30, help="utterances per length (default: 30)"
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: 0, all)")
    options = parser.parse_args(arguments)
    settings = EndpointSettings(compute_type="int8", cpu_threads=options.threads, engine_workers=1)
    folder = weights(options.model)
    rows = [("kind", "speech", "utterances", "words", *(f"{one:g} s" for one in _SECONDS))]
    for shortest, longest in zip((2.0, _LONGEST[0]), _LONGEST, strict=True):
        said = list(_utterances(options.utterances, shortest, longest))
        rows += _rows(folder, settings, said, f"{shortest:g} to {longest:g} s")
        print("\n".join(columns(rows, ">")), flush=True)
    return 0


def _rows(
    folder: Path, settings: EndpointSettings, said: Sequence[Said], name: str
) -> Iterator[tuple[str, ...]]:
    model, tokenizer, _ = load_model(folder, "cpu", settings)
    final = Parameters(language="en", vad_filter=False)
    longest_s = max(len(samples) for _, samples in said) / SAMPLE_RATE
    for priority in (Priority.PARTIAL, Priority.FINAL):
        is_partial = priority == Priority.PARTIAL
        how = for_partial(final, settings) if is_partial else final
        cells, words = [], 0
        for seconds in _SECONDS:
            if longest_s > seconds - window_lengths.DEFAULT_MARGIN_S:
                cells.append("")
                continue
            engine = WhisperEngine(
                model,
                tokenizer,
                settings.max_fallbacks,
                lengths=window_lengths.make((seconds,), model.n_mels),
                short_finals=True,
            )
            began = time.process_time()
            found = total(
                word_errors(text, "".join(one.text for one in segments))
                for text, samples in said
                for segments in [transcribe(engine, samples, how, priority)]
            )
            words = found.words
            each = (time.process_time() - began) / len(said)
            cells.append(f"{100 * found.rate:.1f} % ({each:.2f} s)")
        yield priority.name.lower(), name, str(len(said)), str(words), *cells


def _utterances(number: int, shortest: float, longest: float) -> Iterator[Said]:
    """Yield texts and samples of concatenated prompts, between the two lengths."""
    chance = np.random.default_rng(14)
    prompts = [one for one in read_prompts("en") if one.seconds <= longest]
    pause = np.zeros(round(_PAUSE_S * SAMPLE_RATE), np.int16)
    while number:
        wanted = chance.uniform(shortest, longest)
        texts = []
        parts = [pause[:0]]
        while sum(map(len, parts)) < wanted * SAMPLE_RATE * 0.9:
            one = prompts[int(chance.integers(len(prompts)))]
            texts.append(one.text)
            parts += [one.samples, pause]
        audio = np.concatenate(parts)
        if shortest <= len(audio) / SAMPLE_RATE <= longest:
            number -= 1
            yield " ".join(texts), audio


if __name__ == "__main__":
    sys.exit(main())
