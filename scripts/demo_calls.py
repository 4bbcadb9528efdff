# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Choose the calls and the model of ``make demo``.

Real Whisper on calls composed of real voices, if both are available on this machine; otherwise the
synthetic sample calls with the demonstration model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.real_calls import prompts
from benchmarks.real_calls.compose import CallRecipe, compose
from benchmarks.real_calls.sample_calls import as_sample
from benchmarks.references import SampleCall, sample_calls
from scripts.publish.errors import CommandError
from scripts.weights import DEMO, WeightsUnavailable, weights

REAL = "base"
MAX_WORD_ERROR_RATE = 0.08
"""Limit for the demonstration model, over all sample calls."""

# base gets 8 % on these calls: more than twice that means something is broken.
_MAX_REAL_RATE = 0.16
_SECONDS = 40.0
_LONGEST_PAUSE_S = 4.0


@dataclass(frozen=True)
class DemoPlan:
    """A model, named as for `weights`, and the calls to transcribe.

    Above `max_word_error_rate` over all calls, something is broken.
    """

    model: str
    calls: Sequence[SampleCall]
    max_word_error_rate: float


def plan(wanted: str | None) -> DemoPlan:
    """Choose model and calls; `wanted` is a model's name, or None for the best available.

    Raises
    ------
    CommandError
        The requested real model or its voices are not available.
    """
    if wanted == DEMO:
        return _made_up()
    try:
        return _real(wanted or REAL)
    except CommandError as error:
        if wanted:
            raise
        # Fall back only if something is missing, not if a checksum is wrong.
        if not isinstance(error, WeightsUnavailable) and not prompts.missing():
            raise
        print(f"Made-up calls and the demonstration model, not real ones. {error}")
        return _made_up()


def _made_up() -> DemoPlan:
    return DemoPlan(DEMO, sample_calls(), MAX_WORD_ERROR_RATE)


def _real(model: str) -> DemoPlan:
    languages = ("en",) if model.endswith(".en") else ("en", "es")
    calls = [_call(language) for language in languages]
    weights(model)
    return DemoPlan(model, calls, _MAX_REAL_RATE)


def _call(language: str) -> SampleCall:
    recipe = CallRecipe(
        seed=1,
        languages=(language, language),
        seconds=_SECONDS,
        longest_pause_s=_LONGEST_PAUSE_S,
    )
    return as_sample(compose(recipe), f"real-voices-{language}")
