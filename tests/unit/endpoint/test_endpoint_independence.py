# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whatever company a window is decoded in, it gets the text that it gets alone.

On a CPU the texts are compared token by token, those of random weights too: CTranslate2 computes
each row of a batch as it computes it alone. On a GPU the order of additions depends on the size
of the batch, so that near-ties, which random weights are full of, could come out differently.
"""

import asyncio
import random
from dataclasses import dataclass

import numpy as np
import pytest

from tests.unit.endpoint.helpers import WEIGHTS, clip_samples, silence, wav
from whisper_endpoint.engine import WhisperEngine
from whisper_endpoint.engine_service import EngineService
from whisper_endpoint.features import Features
from whisper_endpoint.preparation import Prepared, prepare
from whisper_endpoint.request import Parameters
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript
from whisper_endpoint.work import BatchReport, Observer

pytestmark = pytest.mark.slow

PROMPTS = (None, None, "hello john", "order")
SETTINGS = EndpointSettings(max_batch_size=8, max_queued_windows=1000, self_test="text")
AT_ONCE = 32


@dataclass(frozen=True)
class Clip:
    """A request in short: its answer is a language and tokens."""

    recording: Prepared
    parameters: Parameters


class Sizes(Observer):
    """Keeps how large batches were, and how many kinds of them there were."""

    def __init__(self) -> None:
        self.reports: list[BatchReport] = []

    def batch_decoded(self, report: BatchReport) -> None:
        self.reports.append(report)


def make_clips(
    count: int, n_mels: int, languages: tuple[str | None, ...], longest: float
) -> list[Clip]:
    """Pieces of the sentence, some with silence around or the whole sentence behind them."""
    draw, sentence, features = random.Random(7), clip_samples(), Features(n_mels)
    clips = []
    while len(clips) < count:
        size = draw.randrange(8_000, len(sentence))
        begin = draw.randrange(len(sentence) - size + 1)
        parts = [silence(draw.random()), sentence[begin : begin + size]]
        if longest > 10:
            parts += draw.choice([[], [silence(3), sentence], [silence(draw.random() * longest)]])
        recording = prepare(
            wav(np.concatenate(parts)),
            features,
            max_seconds=60,
            vad_filter=draw.random() < 0.5,
        )
        parameters = Parameters(
            language=draw.choice(languages),
            task=draw.choice(("transcribe", "translate")) if len(languages) > 1 else "transcribe",
            # Sampling draws from one source of chance: its texts differ from run to run.
            temperature=(0.0,),
            beam_size=draw.choice((1, 2, 5)) if longest > 10 else draw.choice((1, 2)),
            initial_prompt=draw.choice(PROMPTS),
            word_timestamps=draw.random() < 0.2,
        )
        clips.append(Clip(recording, parameters))
    return clips


Answer = tuple[str, list[tuple[int, ...]]]


def answer_of(transcript: object) -> Answer:
    assert isinstance(transcript, Transcript)
    return transcript.language, [segment.tokens for segment in transcript.segments]


def in_company(
    engine: WhisperEngine, clips: list[Clip], at_once: int
) -> tuple[list[Answer], Sizes]:
    """Answers to the clips in their order, and what batches they were decoded in."""
    sizes = Sizes()

    async def scenario() -> list[Answer]:
        service, free = EngineService(engine, SETTINGS, sizes), asyncio.Semaphore(at_once)

        async def ask(clip: Clip) -> Answer:
            async with free:
                return answer_of(await service.transcribe(clip.recording, clip.parameters, 500))

        try:
            return list(await asyncio.gather(*(ask(clip) for clip in clips)))
        finally:
            service.stop()

    return asyncio.run(scenario()), sizes


def check(engine: WhisperEngine, clips: list[Clip], requests: int) -> Sizes:
    alone, ones = in_company(engine, clips, 1)
    assert {report.size for report in ones.reports} == {1}
    order = [number % len(clips) for number in range(requests)]
    random.Random(11).shuffle(order)
    together, sizes = in_company(engine, [clips[number] for number in order], AT_ONCE)
    assert together == [alone[number] for number in order]
    return sizes


def test_the_demonstration_models_texts(engine: WhisperEngine) -> None:
    clips = make_clips(50, engine.facts.n_mels, ("en",), longest=20)
    sizes = check(engine, clips, 420)
    keys = {report.key for report in sizes.reports}
    assert max(report.size for report in sizes.reports) >= 4
    assert len({key.frames for key in keys}) > 1
    assert len({key.prompt_length for key in keys}) == len(set(PROMPTS))
    assert len({key.search.beam_size for key in keys}) == 3


def test_languages_and_tasks_of_a_multilingual_model(multilingual_engine: WhisperEngine) -> None:
    languages = ("en", "es", "fr", None)
    clips = make_clips(16, multilingual_engine.facts.n_mels, languages, longest=3)
    sizes = check(multilingual_engine, clips, 80)
    assert max(report.size for report in sizes.reports) >= 4


def test_two_workers_answer_like_one(engine: WhisperEngine) -> None:
    pair = WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings(engine_workers=2))
    clips = make_clips(20, engine.facts.n_mels, ("en",), longest=20)
    one, _ = in_company(engine, clips, 1)
    two, _ = in_company(pair, clips, AT_ONCE)
    assert two == one
