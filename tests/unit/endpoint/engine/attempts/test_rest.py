# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The rest of a window, where the model has ended its text before its speech."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.unit.endpoint.helpers import WEIGHTS, clip_samples, wav
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters
from whisper_endpoint.settings import EndpointSettings

SURE = Parameters(
    language="en",
    beam_size=1,
    temperature=(0.0,),
    log_prob_threshold=-2.0,
    word_timestamps=True,
)


class EndsEarly:
    """The real model; its first text is one word, at 1.5 s.

    Attributes
    ----------
    no_speech_prob : float
        Of the later texts.
    texts : int
        Number of texts.
    """

    def __init__(self, engine: WhisperEngine, no_speech_prob: float) -> None:
        self._model, self._end_token = engine._model, engine.end_token
        self.no_speech_prob = no_speech_prob
        self.texts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        (result,) = self._model.generate(encoded, prompts, **options)
        tokens, self.texts = result.sequences_ids[0], self.texts + 1
        if self.texts == 1:
            tokens = [token for token in tokens if token < self._end_token][:1]
        silence = self.no_speech_prob if self.texts > 1 else 0.0
        said = SimpleNamespace(sequences_ids=[tokens], scores=result.scores, no_speech_prob=silence)
        return [said]

    def align(self, encoded: Any, start: Any, texts: list[list[int]], frames: Any) -> Any:
        if self.texts > 1:
            return self._model.align(encoded, start, texts, frames)
        return [SimpleNamespace(alignments=[(0, 55), (1, 75)], text_token_probs=[0.9])]


@pytest.mark.parametrize(("no_speech_prob", "is_kept"), [(0.6, True), (0.61, False)])
def test_its_text_is_kept_unless_it_is_likely_silent_however_sure_the_text(
    monkeypatch: pytest.MonkeyPatch, no_speech_prob: float, is_kept: bool
) -> None:
    engine = WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings(cpu_threads=1))
    samples = wav(np.tile(clip_samples(), 2))
    features = Features(engine.facts.n_mels)
    (window,) = prepare(samples, features, max_seconds=60, vad_filter=True).windows
    model = EndsEarly(engine, no_speech_prob)
    monkeypatch.setattr(engine, "_model", model)
    (found,) = engine.transcribe(Job((window,), SURE, float("inf")))
    assert model.texts >= 2
    assert (len(found.segments) > 1) == is_kept
    assert found.segments[0].end == pytest.approx(1.5, abs=0.1)
