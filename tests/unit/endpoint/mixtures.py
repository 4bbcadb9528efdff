# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests of mixed lengths, languages, tasks, beams and prompts, drawn from one sentence."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.unit.endpoint.helpers import clip_samples, silence, wav

PROMPTS = (None, None, "hello john", "order")


@dataclass(frozen=True)
class MixedRequest:
    """A request, not yet in any form.

    Attributes
    ----------
    audio : bytes
        A WAV file, 16 kHz mono.
    parameters : mapping
        Of the contract, by name.
    """

    audio: bytes
    parameters: Mapping[str, Any]


def draw(
    count: int,
    *,
    languages: Sequence[str | None],
    longest: float,
    beams: Sequence[int] = (1, 2),
    tasks: Sequence[str] = ("transcribe",),
) -> list[MixedRequest]:
    """Pieces of the sentence, some with silence around or the whole sentence behind them.

    Parameters
    ----------
    count : int
    languages : sequence of str or None
        None: detected.
    longest : float
        Seconds of silence at most; only over 10 is a second sentence, or silence, behind.
    beams : sequence of int
    tasks : sequence of str
    """
    chance, sentence = random.Random(7), clip_samples()
    drafts: list[MixedRequest] = []
    while len(drafts) < count:
        size = chance.randrange(8_000, len(sentence))
        begin = chance.randrange(len(sentence) - size + 1)
        parts = [silence(chance.random()), sentence[begin : begin + size]]
        if longest > 10:
            behind = [[], [silence(3), sentence], [silence(chance.random() * longest)]]
            parts += chance.choice(behind)
        parameters = {
            "language": chance.choice(languages),
            "task": chance.choice(tasks),
            # Sampling draws from one source of chance: its texts differ from run to run.
            "temperature": 0.0,
            "beam_size": chance.choice(beams),
            "initial_prompt": chance.choice(PROMPTS),
            "word_timestamps": chance.random() < 0.2,
            "vad_filter": chance.random() < 0.5,
        }
        drafts.append(MixedRequest(wav(np.concatenate(parts)), parameters))
    return drafts
