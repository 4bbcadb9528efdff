# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SVOX Pico through the package ttspico, which includes voices; it reports no times."""

import functools
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from demo_model.tts.errors import SynthesiserMissing, SynthesisFailed
from demo_model.tts.voices import Voice

_SAMPLE_RATE = 16_000


@functools.cache
def _engine(language: str) -> Any:
    try:
        import ttspico  # noqa: PLC0415 - only for training and evaluation
    except ImportError as missing:
        raise SynthesiserMissing(
            "ttspico is not installed; run `make train-demo-model` or `make eval-model`, which "
            "install it."
        ) from missing
    return ttspico.TtsEngine(language)


def speak(voice: Voice, text: str) -> tuple[NDArray[np.int16], int, None]:
    """Synthesise a sentence; return int16 samples, their rate in Hz, and None for the times."""
    speed, pitch = round(100 * voice.tempo), round(voice.pitch)
    marked = f'<speed level="{speed}"><pitch level="{pitch}">{escape(text)}</pitch></speed>'
    pcm = _engine(voice.name).speak(marked)
    if not pcm:
        raise SynthesisFailed(f"Pico made no sound of {text!r}.")
    return np.frombuffer(pcm, "<i2"), _SAMPLE_RATE, None
