# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Speech that the model leaves out after the text of earlier windows is decoded again."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.unit.endpoint.helpers import WEIGHTS, clip_samples, wav
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import Decoded, WhisperEngine
from whisper_endpoint.engine.jobs import DecodeTask, Job, Scheduling
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters, PreparedWindow, Priority
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import WindowResult

LATER = float("inf")
# The small model is unsure of what it hears.
CONDITIONED = Parameters(beam_size=1, condition_on_previous_text=True, log_prob_threshold=-2.0)


class LeavesOut:
    """The real model; the first text after ``marker`` is its last two words, said late.

    Attributes
    ----------
    retry_score : float or None
        Score of the attempt after that one, if not the model's own.
    prompts : list
        Tokens before each text.
    """

    def __init__(self, engine: WhisperEngine, marker: int, retry_score: float | None) -> None:
        self._model, self._end_token, self._marker = engine._model, engine.end_token, marker
        self.retry_score = retry_score
        self.prompts: list[list[int]] = []
        self._few: list[int] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def detect_language(self, encoded: Any) -> list[list[tuple[str, float]]]:
        return [[("<|de|>" if self.prompts else "<|en|>", 0.9)]]

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        (result,) = self._model.generate(encoded, prompts, **options)
        tokens, scores = result.sequences_ids[0], result.scores
        is_retry = self._few is not None and self.retry_score is not None
        if is_retry:
            scores, self.retry_score = [self.retry_score], None
        elif self._few is None and self._marker in prompts[0]:
            self._few = [token for token in tokens if token < self._end_token][-2:]
            tokens = self._few
        self.prompts += prompts
        said = SimpleNamespace(sequences_ids=[tokens], scores=scores, no_speech_prob=0.0)
        return [said]

    def align(self, encoded: Any, start: Any, texts: list[list[int]], frames: Any) -> Any:
        if texts != [self._few]:
            return self._model.align(encoded, start, texts, frames)
        # From 3.6 s on, in steps of 20 ms.
        steps = [(place, 180 + 10 * place) for place in range(len(texts[0]) + 1)]
        return [SimpleNamespace(alignments=steps, text_token_probs=[0.9] * len(texts[0]))]


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    settings = EndpointSettings(final_windows="full", cpu_threads=1)
    return WhisperEngine.load(WEIGHTS, "cpu", settings)


@pytest.fixture(scope="module")
def windows(engine: WhisperEngine) -> tuple[PreparedWindow, ...]:
    """The clip once, and three times."""
    features = Features(engine.facts.n_mels)
    return tuple(
        prepare(
            wav(np.tile(clip_samples(), times)), features, max_seconds=60, vad_filter=True
        ).windows[0]
        for times in (1, 3)
    )


def mislead(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch, retry_score: float | None = None
) -> LeavesOut:
    (marker,) = engine._tokens.encode(" hello", add_special_tokens=False).ids
    model = LeavesOut(engine, marker, retry_score)
    monkeypatch.setattr(engine, "_model", model)
    return model


def test_it_is_decoded_again_after_the_initial_prompt_alone(
    engine: WhisperEngine, windows: tuple[PreparedWindow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    prompted = replace(CONDITIONED, language="en", initial_prompt="john")
    (alone,) = engine.transcribe(Job(windows[1:], prompted, LATER))
    model = mislead(engine, monkeypatch)
    _, again = engine.transcribe(Job(windows, prompted, LATER))
    # The rest of the window has other text before it.
    assert [one.tokens for one in again.segments[:2]] == [one.tokens for one in alone.segments[:2]]
    assert again.segments[0].start < 1
    first, misled, retry, *_ = model.prompts
    assert retry == first
    assert misled[:2] == first[:2]
    assert len(misled) > len(first)


def test_in_a_later_part_of_a_recording_the_prompt_is_text_before(
    engine: WhisperEngine, windows: tuple[PreparedWindow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = mislead(engine, monkeypatch)
    prompted = replace(CONDITIONED, initial_prompt="hello")
    engine.transcribe(Job(windows[1:], prompted, LATER, language="en"))
    misled, retry, *_ = model.prompts
    assert misled[2:] == retry


@pytest.mark.parametrize(
    ("changed", "utterance"),
    [
        ({"task": "translate"}, None),
        ({"condition_on_previous_text": False, "initial_prompt": "hello"}, None),
        ({}, "a call's"),
    ],
)
def test_it_is_left_out_where_a_retry_cannot_help_or_would_come_late(
    engine: WhisperEngine,
    windows: tuple[PreparedWindow, ...],
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    utterance: str | None,
) -> None:
    model = mislead(engine, monkeypatch)
    live = Scheduling(priority=Priority.FINAL, utterance=utterance) if utterance else None
    parameters = replace(CONDITIONED, language="en", **changed)
    position = 1 if parameters.condition_on_previous_text else 0
    job = Job(windows if position else windows[1:], parameters, LATER, live)
    tasks = engine.tasks(job)
    if position:
        (before,) = engine.decode(tasks[:1]).outcomes
        assert isinstance(before, WindowResult)
        job.add(0, before)
    (outcome,) = engine.decode(tasks[position : position + 1]).outcomes
    assert model._few
    assert outcome.segments
    assert not isinstance(outcome, DecodeTask) or outcome.in_context is None


@pytest.mark.parametrize("changed", [{}, {"temperature": (0.0,), "language": "en"}])
def test_a_retry_that_a_gate_refuses_changes_nothing(
    engine: WhisperEngine,
    windows: tuple[PreparedWindow, ...],
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
) -> None:
    model = mislead(engine, monkeypatch, retry_score=-5.0)
    _, result = engine.transcribe(Job(windows, replace(CONDITIONED, **changed), LATER))
    few, *rest = result.segments
    assert 3 < few.start < few.end < 5
    assert few.temperature == 0
    # One attempt, and the language stays that of the recording, in the rest too.
    assert len(model.prompts) == 4
    assert result.language == "en"
    english, german = (engine._tokens.token_to_id(f"<|{one}|>") for one in ("en", "de"))
    assert all(english in prompt and german not in prompt for prompt in model.prompts)
    assert rest
    assert {one.seek for one in rest} == {rest[0].seek}
    assert few.end * 100 < rest[0].seek < few.end * 100 + 100


def test_a_retry_that_leaves_out_as_much_changes_nothing(
    engine: WhisperEngine, windows: tuple[PreparedWindow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    mislead(engine, monkeypatch)
    job = Job(windows, replace(CONDITIONED, language="en"), LATER)
    first, second = engine.tasks(job)
    (before,) = engine.decode([first]).outcomes
    assert isinstance(before, WindowResult)
    job.add(0, before)
    (retry,) = engine.decode([second]).outcomes
    assert isinstance(retry, DecodeTask)
    monkeypatch.setattr(engine._model, "_few", None)
    monkeypatch.setattr(engine._model, "_marker", engine._tokens.token_to_id("<|en|>"))
    assert engine.decode([retry]).outcomes == [retry.in_context]


def test_at_the_deadline_the_text_found_before_the_retry_is_the_answer(
    engine: WhisperEngine, windows: tuple[PreparedWindow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    mislead(engine, monkeypatch)
    job = Job(windows, replace(CONDITIONED, language="en"), LATER)
    decode, kept = engine.decode, WindowResult("en", ())

    def decode_late(batch: Sequence[DecodeTask]) -> Decoded:
        decoded = decode(batch)
        (outcome,) = decoded.outcomes
        if isinstance(outcome, WindowResult) or outcome.in_context is None:
            return decoded
        job.deadline = 0.0
        return replace(decoded, outcomes=[replace(outcome, in_context=kept)])

    monkeypatch.setattr(engine, "decode", decode_late)
    assert engine.transcribe(job)[1] is kept
