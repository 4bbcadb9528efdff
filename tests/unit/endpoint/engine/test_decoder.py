# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ctranslate2
import numpy as np
import pytest
from faster_whisper import WhisperModel

from benchmarks.bench import shapes
from tests.unit.endpoint.helpers import SENTENCE, WEIGHTS, clip_samples, silence, wav
from whisper_endpoint import errors
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job
from whisper_endpoint.ingress.planning.decoding_parameters import for_model
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters, PreparedWindow
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import WindowResult

LATER = float("inf")
FULL = EndpointSettings(final_windows="full", cpu_threads=1)
GREEDY = Parameters(language="en", temperature=(0.0,), beam_size=1)


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    """As faster-whisper: windows of 30 s only."""
    return WhisperEngine.load(WEIGHTS, "cpu", FULL)


def window(
    engine: WhisperEngine, *, vad_filter: bool = True, samples: np.ndarray | None = None
) -> PreparedWindow:
    data = wav(clip_samples() if samples is None else samples)
    features = Features(engine.facts.n_mels)
    return prepare(data, features, max_seconds=60, vad_filter=vad_filter).windows[0]


def transcribe(
    engine: WhisperEngine,
    parameters: Parameters,
    prepared: PreparedWindow | None = None,
    deadline: float = LATER,
) -> WindowResult:
    (result,) = engine.transcribe(Job((prepared or window(engine),), parameters, deadline))
    return result


def text(result: WindowResult) -> str:
    return "".join(segment.text for segment in result.segments).strip()


class Recorder:
    """The real model, noting what it is asked."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.asked: list[dict[str, Any]] = []
        self.prompts: list[list[int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        self.asked.append(options)
        self.prompts += prompts
        return self._model.generate(encoded, prompts, **options)


class Stammerer(Recorder):
    """The real model, but that it says everything once more at the end."""

    def __init__(self, engine: WhisperEngine) -> None:
        super().__init__(engine._model)
        self.end_token = engine.end_token

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        (found,) = super().generate(encoded, prompts, **options)
        tokens, *_ = found.sequences_ids
        stammered = [token for token in tokens if token < self.end_token] + tokens
        again = SimpleNamespace(sequences_ids=[stammered], scores=found.scores, no_speech_prob=0.0)
        return [again]


@pytest.fixture
def recorder(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(engine._model)
    monkeypatch.setattr(engine, "_model", recorder)
    return recorder


def test_the_clip_is_recognised(engine: WhisperEngine) -> None:
    result = transcribe(engine, GREEDY)
    assert text(result) == SENTENCE
    (segment,) = result.segments
    assert 0 <= segment.start < 0.5
    assert 2 < segment.end <= len(clip_samples()) / 16_000
    assert segment.temperature == 0
    assert -1 < segment.avg_logprob < 0
    assert segment.no_speech_prob < 0.1


@pytest.mark.parametrize("beam_size", [1, 5])
def test_it_says_what_faster_whisper_says(engine: WhisperEngine, beam_size: int) -> None:
    clip = clip_samples()
    samples = np.concatenate([silence(1), clip, silence(1.5), clip[:24_000], silence(1)])
    reference = WhisperModel(str(WEIGHTS), device="cpu", compute_type="default")
    segments, _ = reference.transcribe(
        samples.astype(np.float32) / 32768,
        language="en",
        beam_size=beam_size,
        temperature=0.0,
        condition_on_previous_text=False,
        word_timestamps=True,
    )
    expected = list(segments)
    # faster-whisper does not know where speech is, and aligns words only where they are asked for.
    prepared = replace(window(engine, vad_filter=False, samples=samples), speech=())
    got = transcribe(engine, replace(GREEDY, beam_size=beam_size), prepared).segments
    assert [s.text for s in got] == [s.text for s in expected]
    assert [list(s.tokens) for s in got] == [s.tokens for s in expected]
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.seek == theirs.seek
        assert ours.start == pytest.approx(theirs.start, abs=0.01)
        assert ours.end == pytest.approx(min(theirs.end, len(samples) / 16_000), abs=0.01)
        assert ours.avg_logprob == pytest.approx(theirs.avg_logprob, abs=1e-3)
        assert ours.compression_ratio == pytest.approx(theirs.compression_ratio)
        assert ours.no_speech_prob == pytest.approx(theirs.no_speech_prob, abs=1e-3)


def test_what_is_in_the_text_twice_and_was_said_once_is_shown_once(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_model", Stammerer(engine))
    (segment,) = transcribe(engine, GREEDY).segments
    assert segment.text.strip() == SENTENCE
    assert segment.is_cut
    assert 2 < segment.end <= len(clip_samples()) / 16_000


def test_times_are_the_recordings(engine: WhisperEngine) -> None:
    samples = np.concatenate([silence(7), clip_samples(), silence(4)])
    (segment,) = transcribe(engine, GREEDY, window(engine, samples=samples)).segments
    assert 6.4 < segment.start < 7.5
    assert 9 < segment.end < 10.5
    assert 640 < segment.seek < 750


def test_beam_search_settings_reach_the_model(engine: WhisperEngine, recorder: Recorder) -> None:
    transcribe(engine, replace(GREEDY, beam_size=3, patience=2.0))
    asked = recorder.asked[0]
    assert (asked["beam_size"], asked["patience"]) == (3, 2.0)
    assert "sampling_temperature" not in asked


def test_sampling_settings_reach_the_model(engine: WhisperEngine, recorder: Recorder) -> None:
    result = transcribe(engine, replace(GREEDY, temperature=(0.4,), best_of=4))
    asked = recorder.asked[0]
    assert asked["sampling_temperature"] == 0.4
    assert (asked["num_hypotheses"], asked["beam_size"], asked["sampling_topk"]) == (4, 1, 0)
    assert result.segments[0].temperature == 0.4


def test_gates_fall_back_to_the_next_temperatures_and_no_further_than_allowed(
    engine: WhisperEngine, recorder: Recorder
) -> None:
    strict = replace(GREEDY, temperature=(0.0, 0.2, 0.4, 0.6, 0.8), log_prob_threshold=-0.0001)
    transcribe(engine, strict)
    tried = [asked.get("sampling_temperature", 0.0) for asked in recorder.asked]
    assert tried == [0.0, 0.2, 0.4]


@pytest.mark.parametrize(
    "strict", [{"compression_ratio_threshold": 0.1}, {"log_prob_threshold": -0.0001}]
)
def test_thresholds_cause_a_fallback_and_null_does_not(
    engine: WhisperEngine, recorder: Recorder, strict: dict[str, Any]
) -> None:
    both = replace(GREEDY, temperature=(0.0, 0.2))
    transcribe(engine, replace(both, **strict))
    assert len(recorder.asked) == 2
    off: dict[str, Any] = dict.fromkeys(strict)
    transcribe(engine, replace(both, **off))
    assert len(recorder.asked) == 3


def test_past_its_deadline_a_window_is_not_decoded(
    engine: WhisperEngine, recorder: Recorder
) -> None:
    with pytest.raises(errors.DeadlineExceeded) as caught:
        transcribe(engine, GREEDY, deadline=time.monotonic() - 1)
    assert caught.value.status == 504
    assert recorder.asked == []


def test_the_no_speech_threshold_drops_text(engine: WhisperEngine) -> None:
    silent = replace(GREEDY, no_speech_threshold=0.0, log_prob_threshold=None)
    assert transcribe(engine, silent).segments == ()
    assert text(transcribe(engine, replace(silent, no_speech_threshold=None))) == SENTENCE


def test_the_initial_prompt_goes_before_the_first_window_only(
    engine: WhisperEngine, recorder: Recorder
) -> None:
    prompted = replace(GREEDY, initial_prompt=" john ")
    engine.transcribe(Job((window(engine), window(engine)), prompted, LATER))
    transcribe(engine, replace(GREEDY, initial_prompt="order " * 1_000))
    first, second, long = recorder.prompts
    words = engine._tokens.encode(" john", add_special_tokens=False).ids
    previous = engine._tokens.token_to_id("<|startofprev|>")
    assert first == [previous, *words, *second]
    assert len(long) == 1 + 223 + len(second)


def test_audio_after_the_last_closed_segment_is_heard_again(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model, made to end its first segment at 1.0 s and break off in the second."""

    class BreaksOff(Recorder):
        def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
            result = super().generate(encoded, prompts, **options)[0]
            if len(self.asked) > 1:
                return [result]
            zero: Any = engine._tokens.token_to_id("<|0.00|>")
            words = [token for token in result.sequences_ids[0] if token < zero]

            cut = SimpleNamespace(
                sequences_ids=[[zero, *words[:3], zero + 50, zero + 50, *words[3:]]],
                scores=result.scores,
                no_speech_prob=result.no_speech_prob,
            )
            return [cut]

    prepared = window(engine)
    later = PreparedWindow(prepared.window, prepared.features[:, 100:])
    alone = text(transcribe(engine, GREEDY, later))
    monkeypatch.setattr(engine, "_model", BreaksOff(engine._model))
    first, *rest = transcribe(engine, GREEDY, prepared).segments
    assert first.seek == 0
    assert 0.5 < first.end <= 1.0
    assert [segment.seek for segment in rest] == [100] * len(rest)
    assert "".join(segment.text for segment in rest).strip() == alone != ""
    assert rest[0].start >= 1.0


def test_an_english_only_model_takes_english(english_engine: WhisperEngine) -> None:
    facts = english_engine.facts
    assert facts.languages == ("en",)
    assert for_model(Parameters(), facts).language == "en"
    with pytest.raises(errors.UnsupportedLanguage, match="'es': use en") as caught:
        for_model(Parameters(language="es"), facts)
    assert (caught.value.status, caught.value.field) == (400, "parameters.language")
    with pytest.raises(errors.UnsupportedTask, match="English-only and cannot translate"):
        for_model(Parameters(task="translate"), facts)


def test_a_multilingual_model_names_its_languages(multilingual_engine: WhisperEngine) -> None:
    facts = multilingual_engine.facts
    assert (facts.languages, facts.n_mels) == (("en", "es", "fr"), 128)
    asked = Parameters(task="translate")
    assert for_model(asked, facts) == asked
    with pytest.raises(errors.UnsupportedLanguage, match="use en or es or fr, or null to detect"):
        for_model(Parameters(language="de"), facts)


def test_language_and_task_are_in_the_prompt(
    multilingual_engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(multilingual_engine._model)
    monkeypatch.setattr(multilingual_engine, "_model", recorder)
    token = multilingual_engine._tokens.token_to_id
    for language, task in (("fr", "transcribe"), ("fr", "translate"), (None, "transcribe")):
        result = transcribe(multilingual_engine, replace(GREEDY, task=task, language=language))
        expected = language or "es"
        assert result.language == expected
        assert recorder.prompts[-1] == [
            token("<|startoftranscript|>"),
            token(f"<|{expected}|>"),
            token(f"<|{task}|>"),
        ]


@pytest.mark.parametrize(("english", "spoken"), [(0.43, ["fr", "en"]), (0.2, ["fr"])])
def test_a_loop_in_a_barely_detected_language_is_decoded_in_the_next_most_probable_one(
    multilingual_engine: WhisperEngine,
    monkeypatch: pytest.MonkeyPatch,
    english: float,
    spoken: list[str],
) -> None:
    recorder = Recorder(multilingual_engine._model)
    ranking = [("<|fr|>", 0.55), ("<|en|>", english), ("<|es|>", 0.02)]
    monkeypatch.setattr(recorder, "detect_language", lambda _: [ranking], raising=False)
    monkeypatch.setattr(multilingual_engine, "_model", recorder)
    # Every text counts as a loop.
    parameters = replace(
        GREEDY, language=None, compression_ratio_threshold=0.0, no_speech_threshold=None
    )
    transcribe(multilingual_engine, parameters)
    names = {multilingual_engine._tokens.token_to_id(f"<|{one}|>"): one for one in ("fr", "en")}
    asked = [
        name for prompt in recorder.prompts for token, name in names.items() if token in prompt
    ]
    assert list(dict.fromkeys(asked)) == spoken


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelNotLoadable, match=r"has no model\.bin and no config") as caught:
        WhisperEngine.load(tmp_path, "cpu", EndpointSettings())
    assert str(tmp_path) not in str(caught.value)


def test_weights_that_are_damaged(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (tmp_path / name).write_bytes((WEIGHTS / name).read_bytes())
    (tmp_path / "model.bin").write_bytes((WEIGHTS / "model.bin").read_bytes()[:10_000])
    with pytest.raises(errors.ModelNotLoadable, match="could not be loaded on cpu"):
        WhisperEngine.load(tmp_path, "cpu", EndpointSettings())


def test_a_compute_type_that_the_device_lacks() -> None:
    with pytest.raises(errors.InvalidSetting, match=r"WHISPER_COMPUTE_TYPE is 'float16'.*float32"):
        WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings(compute_type="float16"))


@pytest.mark.parametrize(
    ("settings", "largest", "workers"),
    [
        (EndpointSettings(cpu_threads=3), 2**30, 3),
        (EndpointSettings(cpu_threads=1), 2**30, 1),
        (EndpointSettings(cpu_threads=3, engine_workers=2), 2**30, 2),
        (EndpointSettings(cpu_threads=3), 1, 1),
    ],
)
def test_a_cpus_threads_are_divided_as_measured_or_as_set(
    monkeypatch: pytest.MonkeyPatch, settings: EndpointSettings, largest: int, workers: int
) -> None:
    def one_for_each(seconds_with: Callable[[int], float], threads: int) -> int:
        assert seconds_with(threads) > 0
        return threads

    monkeypatch.setattr("whisper_endpoint.engine.model.choose_workers", one_for_each)
    monkeypatch.setattr("whisper_endpoint.engine.model._LARGE_MODEL_BYTES", largest)
    loaded = WhisperEngine.load(WEIGHTS, "cpu", settings)
    assert (loaded.workers, loaded._model.num_workers) == (workers, workers)


def test_the_model_that_is_measured_and_chosen_is_not_loaded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = ctranslate2.models.Whisper
    loads: list[int] = []

    def counted(*where: str, inter_threads: int, **how: Any) -> Any:
        loads.append(inter_threads)
        return load(*where, inter_threads=inter_threads, **how)

    monkeypatch.setattr("ctranslate2.models.Whisper", counted)
    WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings(cpu_threads=2))
    assert sorted(loads) == [1, 2]


def test_stock_weights_are_computed_in_int8_on_a_cpu(tmp_path: Path) -> None:
    shapes.make(tmp_path, shapes.SHAPES["toy"], WEIGHTS / "tokenizer.json", "float16")
    loaded = WhisperEngine.load(tmp_path, "cpu", FULL)
    assert loaded._model.compute_type == "int8_float32"  # CTranslate2's own choice is float32


def test_a_compute_type_is_used() -> None:
    loaded = WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings(compute_type="float32"))
    assert loaded._model.compute_type == "float32"
    assert text(transcribe(loaded, GREEDY)) == SENTENCE
