# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Composed calls in the form of the sample calls, and the sample calls' sentences as prompts."""

import numpy as np

from benchmarks.real_calls.compose import CHANNELS, CallRecipe, ComposedCall, compose
from benchmarks.real_calls.prompts import SAMPLE_RATE, Prompt, missing
from benchmarks.references import (
    Reference,
    ReferenceChannel,
    ReferenceUtterance,
    SampleCall,
    sample_calls,
)
from live_whisper.audio.call_file import Call

_ROLES = ("agent", "caller")


def as_sample(composed: ComposedCall, name: str) -> SampleCall:
    """Return a composed call with its reference; the language is channel 0's."""
    languages = composed.recipe.languages
    reference = Reference(
        name,
        languages[0],
        SAMPLE_RATE,
        tuple(
            ReferenceChannel(number, role, languages[number]) for number, role in enumerate(_ROLES)
        ),
        tuple(
            ReferenceUtterance(said.channel, said.start, said.end, said.text)
            for said in composed.utterances
        ),
    )
    return SampleCall(Call(SAMPLE_RATE, composed.samples), reference)


def conversation(recipe: CallRecipe, name: str) -> SampleCall:
    """Return a call whose utterances are as long as real ones.

    Of real voices where they are installed; else of the sentences of the sample calls, joined.
    """
    voices = _made_up_voices(recipe.languages) if missing() else None
    return as_sample(compose(recipe, voices), name)


def _made_up_voices(languages: tuple[str, str]) -> list[list[Prompt]]:
    """Return what is said on each channel of the sample calls, at their rate of 8 kHz."""
    voices: list[list[Prompt]] = [[] for _ in range(CHANNELS)]
    for call, reference in sample_calls():
        for said in reference.utterances:
            if call.sample_rate == SAMPLE_RATE and reference.language == languages[said.channel]:
                first, last = round(said.start * SAMPLE_RATE), round(said.end * SAMPLE_RATE)
                samples = np.ascontiguousarray(call.samples[first:last, said.channel])
                voices[said.channel].append(
                    Prompt(reference.name, reference.language, said.text, samples)
                )
    return voices
