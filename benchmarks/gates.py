# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measure hallucinations: live finals of noise, music and silence, in five languages.

``python -m benchmarks.gates base`` decodes newly generated sounds, with and without speech
detection, at temperature 0 like Live Call Analytics, and counts those that produce text.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.in_process import transcribe
from benchmarks.real_calls.prompts import SAMPLE_RATE, hold_music
from benchmarks.reporting import Countdown, columns
from demo_model.tts.sounds import Sound, hum, noise, silence, tones
from scripts.weights import NAMES, weights
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.messages import Parameters
from whisper_endpoint.settings import EndpointSettings

LANGUAGES = ("en", "es", "fr", "it", "ru")
_FRAMES = 6 * SAMPLE_RATE
_FULL_SCALE = 32767


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gates")
    parser.add_argument("model", choices=NAMES)
    parser.add_argument(
        "--runs", type=int, default=20, help="runs per sound and language (default: 20)"
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first run (default: 0)")
    options = parser.parse_args(arguments)
    settings = EndpointSettings(compute_type="int8", cpu_threads=1, engine_workers=1)
    engine = WhisperEngine.load(weights(options.model), "cpu", settings)
    spoken = [one for one in LANGUAGES if one in engine.facts.languages]
    found = Counter[tuple[str, str, bool]]()
    for sound, language, detects, text in _heard(engine, spoken, options.first, options.runs):
        found[sound, language, detects] += bool(text)
        if text:
            print(f"{sound}, {language}, {'with' if detects else 'without'} detection: {text}")
    rows = [("detection", "sound", *spoken)]
    for detects in (True, False):
        for sound in SOUNDS:
            counts = (f"{found[sound, one, detects]} of {options.runs}" for one in spoken)
            rows.append(("on" if detects else "off", sound, *counts))
    print("\n".join(columns(rows)))
    return 0


def _heard(
    engine: WhisperEngine, spoken: Sequence[str], first: int, runs: int
) -> Iterator[tuple[str, str, bool, str]]:
    countdown = Countdown(runs)
    for run in range(first, first + runs):
        for name, sound in SOUNDS.items():
            samples = sound(np.random.default_rng(run))
            for language in spoken:
                for detects in (True, False):
                    how = Parameters(language=language, temperature=(0.0,), vad_filter=detects)
                    segments = transcribe(engine, samples, how)
                    yield name, language, detects, "".join(one.text for one in segments)
        countdown.done("sounds of every kind in every language")


def _music(chance: np.random.Generator) -> NDArray[np.int16]:
    pieces = hold_music()
    piece = pieces[int(chance.integers(len(pieces)))]
    start = int(chance.integers(len(piece) - _FRAMES))
    return piece[start : start + _FRAMES]


def _made(make: Sound) -> Callable[[np.random.Generator], NDArray[np.int16]]:
    def sound(chance: np.random.Generator) -> NDArray[np.int16]:
        return np.rint(make(_FRAMES, SAMPLE_RATE, chance) * _FULL_SCALE).astype(np.int16)

    return sound


SOUNDS: Mapping[str, Callable[[np.random.Generator], NDArray[np.int16]]] = {
    "silence": _made(silence),
    "noise": _made(noise),
    "hum": _made(hum),
    "tones": _made(tones),
    "hold music": _music,
}
"""Six seconds of each sound, at 8 kHz."""


if __name__ == "__main__":
    sys.exit(main())
