# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Voices of free synthesisers, including those held out from training."""

import random
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from demo_model.tts.sentences import Language

Engine: TypeAlias = Literal["espeak-ng", "flite", "pico"]


@dataclass(frozen=True)
class Voice:
    """A synthetic speaker; `tempo` is a factor on its normal speed.

    `pitch`: 0 to 99 for espeak-ng, the fundamental in Hz for flite, percent of normal for pico.
    """

    engine: Engine
    name: str
    pitch: float
    tempo: float = 1.0

    def __str__(self) -> str:
        return f"{self.engine}:{self.name}"


_ESPEAK_ACCENTS: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "en-us",
        "en-us",
        "en",
        "en-gb-scotland",
        "en-gb-x-rp",
        "en-gb-x-gbclan",
        "en-gb-x-gbcwmd",
        "en-us-nyc",
    ),
    "es": ("es", "es-419"),
}
_ESPEAK_VARIANTS = [
    "m1",
    "m2",
    "m3",
    "m5",
    "m6",
    "m7",
    "f1",
    "f2",
    "f3",
    "f5",
    "klatt2",
    "klatt4",
    "Andrea",
    "Mario",
    "belinda",
    "steph",
    "zac",
    "adam",
    "linda",
    "Alex",
    "Michael",
    "max",
]
_FLITE: Final[dict[str, tuple[float, float]]] = {  # typical range of the fundamental, in Hz
    "slt": (140, 220),
    "awb": (90, 170),
    "kal16": (85, 150),
    "kal": (85, 150),
}
_PICO: Final[dict[Language, tuple[str, ...]]] = {"en": ("en-US", "en-GB"), "es": ("es-ES",)}

# Speakers never used for training this model or the one it started from.
HELD_OUT: Final[dict[Language, tuple[Voice, ...]]] = {
    "en": (Voice("espeak-ng", "en-us+aunty", 50), Voice("espeak-ng", "en-gb-x-rp+victor", 50)),
    "es": (Voice("espeak-ng", "es+quincy", 50), Voice("espeak-ng", "es-419+Gene", 50)),
}


def draw_voice(language: Language, chance: random.Random) -> Voice:
    """Draw a training speaker: formant synthesis for variety, recorded voices for naturalness."""
    kind = chance.random()
    tempo = chance.uniform(0.8, 1.25)
    if kind < (0.4 if language == "en" else 0.6):
        accent, variant = chance.choice(_ESPEAK_ACCENTS[language]), chance.choice(_ESPEAK_VARIANTS)
        return Voice("espeak-ng", f"{accent}+{variant}", chance.randint(20, 80), tempo)
    if kind < 0.65 or language == "es":
        return Voice("pico", chance.choice(_PICO[language]), chance.randint(60, 140), tempo)
    name = chance.choice(("slt", "slt", "awb", "awb", "kal16", "kal"))
    return Voice("flite", name, chance.uniform(*_FLITE[name]), tempo)
