# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Convert composed calls to sample calls, and the sample calls' sentences to prompts."""

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
    """Convert a composed call to a sample call; its language is channel 0's."""
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
    """Compose a call with utterances as long as real ones.

    Uses real voices if installed, otherwise joined sentences of the sample calls.
    """
    voices = _made_up_voices(recipe.languages) if missing() else None
    return as_sample(compose(recipe, voices), name)


def _made_up_voices(languages: tuple[str, str]) -> list[list[Prompt]]:
    """Return the utterances per channel of the 8 kHz sample calls, as prompts."""
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
