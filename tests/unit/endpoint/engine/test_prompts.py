# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import asyncio
import re

from tests.unit.endpoint.helpers import CLIP
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import MAX_CONTEXT, MAX_PREFIX
from whisper_endpoint.engine.prompts import PromptReader
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

NAMES = tuple(f"john{number}" for number in range(300))


def reader(engine: WhisperEngine) -> PromptReader:
    return PromptReader(engine._tokens, engine.end_token)


def tokens(engine: WhisperEngine, text: str) -> tuple[int, ...]:
    return tuple(engine._tokens.encode(f" {text}", add_special_tokens=False).ids)


def test_terms_that_do_not_fit_are_said_and_the_first_ones_do(engine: WhisperEngine) -> None:
    found = reader(engine).read(Parameters(terms=NAMES))
    (warning,) = found.warnings
    told = re.fullmatch(r"Of 300 terms the first (\d+) fit .*", warning)
    assert told is not None
    fitting = int(told[1])
    assert f"from 'john{fitting}' on had no effect" in warning
    assert found.terms == tokens(engine, f"{', '.join(NAMES[:fitting])},")
    one_more = tokens(engine, f"{', '.join(NAMES[: fitting + 1])},")
    assert len(found.terms) <= MAX_CONTEXT < len(one_more)
    assert reader(engine).read(Parameters(terms=NAMES[:fitting])).warnings == ()


def test_a_prompt_that_does_not_fit_beside_the_terms_is_said(engine: WhisperEngine) -> None:
    much = "hello john " * 300
    given = Parameters(terms=("john",), initial_prompt=much, prefix=much)
    found = reader(engine).read(given)
    of_prompt, of_prefix = found.warnings
    room, whole = MAX_CONTEXT - len(found.terms), tokens(engine, much.strip())
    assert found.initial == whole[-room:]
    assert found.prefix == whole[:MAX_PREFIX]
    assert f"initial_prompt's {len(whole)} tokens the last {room} had" in of_prompt
    assert f"prefix's {len(whole)} tokens the first {MAX_PREFIX} had" in of_prefix


def test_terms_come_before_a_prompt_where_both_have_no_room(engine: WhisperEngine) -> None:
    given = Parameters(terms=("hello",) * MAX_CONTEXT, initial_prompt="john " * MAX_CONTEXT)
    found = reader(engine).read(given)
    assert found.terms == reader(engine).read(Parameters(terms=given.terms)).terms
    assert len(found.terms) + len(found.initial) <= MAX_CONTEXT


def test_the_answer_has_the_warning(engine: WhisperEngine) -> None:
    recording = prepare(CLIP, Features(engine.facts.n_mels), max_seconds=30, vad_filter=True)

    async def answer() -> Transcript:
        service = EngineService(engine, EndpointSettings(max_batch_size=1))
        try:
            found = await service.transcribe(recording, Parameters(terms=NAMES), 30)
            assert isinstance(found, Transcript)
            return found
        finally:
            service.stop()

    (warning,) = asyncio.run(answer()).warnings
    assert warning.startswith("Of 300 terms the first ")
