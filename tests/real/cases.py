# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The composed calls of the tests: each a fixed seed, all together most of an hour of channels."""

from dataclasses import dataclass

from benchmarks.real_calls.compose import CallRecipe, Wire


@dataclass(frozen=True)
class Case:
    """A call, how it is sent, and which language is said to be spoken; None: it is detected."""

    name: str
    recipe: CallRecipe
    wire: Wire = "telephone"
    language: str | None = "en"

    def __str__(self) -> str:
        return self.name


ENGLISH = (
    Case("even", CallRecipe(seed=1, seconds=120)),
    Case("loud-and-faint", CallRecipe(seed=2, seconds=120, levels_dbfs=(-6, -40))),
    Case("faint-and-loud", CallRecipe(seed=3, seconds=120, levels_dbfs=(-40, -12))),
    Case("faint", CallRecipe(seed=4, seconds=120, levels_dbfs=(-34, -30))),
    Case(
        "noise-and-crosstalk",
        CallRecipe(seed=5, seconds=120, noise_dbfs=-48, crosstalk_db=50),
    ),
    Case(
        "on-hold",
        CallRecipe(seed=6, seconds=180, music=True, median_pause_s=5),
        "wide",
    ),
    Case("long-pauses", CallRecipe(seed=7, seconds=240, median_pause_s=12)),
    Case("echo", CallRecipe(seed=9, seconds=50, levels_dbfs=(-16, -24), crosstalk_db=25)),
    Case("doubled", CallRecipe(seed=8, seconds=120), "doubled"),
)
"""For tiny.en."""

LANGUAGES = (
    Case("spanish", CallRecipe(seed=11, seconds=90, languages=("es", "es")), language="es"),
    Case(
        "french-and-english", CallRecipe(seed=12, seconds=60, languages=("fr", "en")), language=None
    ),
    Case(
        "italian-and-russian",
        CallRecipe(seed=13, seconds=60, languages=("it", "ru")),
        language=None,
    ),
    Case("english-at-low-level", CallRecipe(seed=14, seconds=90, levels_dbfs=(-36, -20))),
)
"""For base, which is multilingual."""
