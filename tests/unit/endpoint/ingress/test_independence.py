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

import pytest

from tests.unit.endpoint.helpers import WEIGHTS
from tests.unit.endpoint.mixtures import PROMPTS, MixedRequest, draw
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.observer import BatchReport, Observer
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

pytestmark = pytest.mark.slow

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


def clip_of(draft: MixedRequest, n_mels: int) -> Clip:
    parameters = Parameters(**{**draft.parameters, "temperature": (0.0,)})
    recording = prepare(
        draft.audio, Features(n_mels), max_seconds=60, vad_filter=parameters.vad_filter
    )
    return Clip(recording, parameters)


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
    languages = (*engine.facts.languages, None)
    drafts = draw(50, languages=languages, longest=20, beams=(1, 2, 5))
    clips = [clip_of(draft, engine.facts.n_mels) for draft in drafts]
    sizes = check(engine, clips, 200)
    keys = {report.key for report in sizes.reports}
    assert max(report.size for report in sizes.reports) >= 4
    assert len({key.frames for key in keys}) > 1
    assert len({key.prompt_length for key in keys}) == len(set(PROMPTS))
    assert len({key.search.beam_size for key in keys}) == 3
    assert len({clip.parameters.language for clip in clips}) == len(languages) > 2


def test_languages_and_tasks_of_a_multilingual_model(multilingual_engine: WhisperEngine) -> None:
    drafts = draw(
        16, languages=("en", "es", "fr", None), longest=3, tasks=("transcribe", "translate")
    )
    clips = [clip_of(draft, multilingual_engine.facts.n_mels) for draft in drafts]
    sizes = check(multilingual_engine, clips, 80)
    assert max(report.size for report in sizes.reports) >= 4


def test_two_workers_answer_like_one(engine: WhisperEngine) -> None:
    pair = WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings(engine_workers=2))
    drafts = draw(20, languages=engine.facts.languages, longest=20, beams=(1, 2, 5))
    clips = [clip_of(draft, engine.facts.n_mels) for draft in drafts]
    one, _ = in_company(engine, clips, 1)
    two, _ = in_company(pair, clips, AT_ONCE)
    assert two == one
