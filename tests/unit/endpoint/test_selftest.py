# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import io
import wave
from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.endpoint import multilingual_model
from tests.unit.endpoint.helpers import CLIP, WEIGHTS
from whisper_endpoint import selftest
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job
from whisper_endpoint.engine.service import self_test
from whisper_endpoint.errors import SelfTestFailed
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Segment, Transcript


def heard(text: str) -> Transcript:
    segment = Segment(
        seek=0,
        start=0.0,
        end=1.0,
        text=text,
        tokens=(),
        temperature=0.0,
        avg_logprob=0.0,
        compression_ratio=1.0,
        no_speech_prob=0.0,
    )
    return Transcript("en", (segment,))


@pytest.mark.parametrize(
    "text",
    [
        " hello this is john how can i help you today",
        " Hello, this is John. How can I help you today?",
        " Hallo, this is Jon. How can I help you to-day?",
    ],
)
def test_what_any_whisper_writes_passes(text: str) -> None:
    selftest.judge(heard(text), "words")


@pytest.mark.parametrize("text", [" Thank you.", " !!!!!!!!!!!", " hello hello hello", " это Джон"])
def test_what_a_broken_one_writes_does_not(text: str) -> None:
    with pytest.raises(SelfTestFailed, match="of 10 words"):
        selftest.judge(heard(text), "words")
    selftest.judge(heard(text), "text")


@pytest.mark.parametrize("mode", ["words", "text"])
def test_no_text_never_passes(mode: str) -> None:
    with pytest.raises(SelfTestFailed, match="no text for the self-test clip: check the"[:38]):
        selftest.judge(heard("  "), mode)


def test_the_demonstration_model_passes(engine: WhisperEngine) -> None:
    self_test(engine, EndpointSettings())


@pytest.mark.parametrize("language", ["", "auto", "en"])
def test_a_model_of_random_weights_does_not(
    multilingual_engine: WhisperEngine, language: str
) -> None:
    with pytest.raises(SelfTestFailed, match="LanguageOverride of the stack"):
        self_test(multilingual_engine, EndpointSettings(language_override=language))


def test_weights_for_another_language_pass_where_the_operator_says_so(
    multilingual_engine: WhisperEngine,
) -> None:
    asked = []

    class Listener:
        facts = multilingual_engine.facts

        def transcribe(self, job: Job) -> Any:
            asked.append(job.parameters.language)
            return multilingual_engine.transcribe(job)

    self_test(cast("WhisperEngine", Listener()), EndpointSettings(language_override="es"))
    assert asked == ["es"]


def test_weights_without_english_pass(tmp_path: Path) -> None:
    multilingual_model.make(tmp_path, WEIGHTS)
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace('"<|en|>"', '"<|unused|>"'))
    engine = WhisperEngine.load(tmp_path, "cpu", EndpointSettings(cpu_threads=1))

    assert "en" not in engine.facts.languages
    self_test(engine, EndpointSettings())


@pytest.mark.parametrize(
    ("override", "languages", "heard"),
    [
        ("", ("en", "es"), "en"),
        ("auto", ("en", "es"), "en"),
        ("es", ("en", "es"), "es"),
        ("de", ("en", "es"), "en"),
        ("", ("es",), "es"),
        ("", (), None),
    ],
)
def test_the_clip_is_heard_in_a_language_of_the_model(
    override: str, languages: tuple[str, ...], heard: str | None
) -> None:
    asked = selftest.parameters(EndpointSettings(language_override=override), languages)
    assert asked.language == heard


def test_the_clip_is_what_its_recipe_makes() -> None:
    with wave.open(io.BytesIO(CLIP)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert 2 < file.getnframes() / 16_000 < 4
