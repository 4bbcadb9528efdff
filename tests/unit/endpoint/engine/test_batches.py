# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.unit.endpoint.helpers import SENTENCE, WEIGHTS, clip_samples, silence, wav
from tests.unit.endpoint.multilingual_model import DETECTED
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.attempts import generation
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import DecodeTask, Job, Scheduling
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters, PreparedWindow, Priority
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import WindowResult

GREEDY = Parameters(language="en", temperature=(0.0,), beam_size=1)
PARTIAL = Scheduling(priority=Priority.PARTIAL)
FINAL = Scheduling(priority=Priority.FINAL)


class Recorder:
    """The real model, noting what it is given."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.device: str = model.device
        self.compute_type: str = model.compute_type
        self.shapes: list[tuple[int, ...]] = []
        self.prompts: list[list[list[int]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: Any) -> Any:
        self.shapes.append(tuple(features.shape))
        return self._model.encode(features)

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        self.prompts.append(prompts)
        return self._model.generate(encoded, prompts, **options)


def record(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(engine._model)
    monkeypatch.setattr(engine, "_model", recorder)
    return recorder


def window(n_mels: int = 80, samples: np.ndarray | None = None) -> PreparedWindow:
    data = wav(clip_samples() if samples is None else samples)
    return prepare(data, Features(n_mels), max_seconds=60, vad_filter=False).windows[0]


def first_task(
    engine: WhisperEngine,
    parameters: Parameters = GREEDY,
    scheduling: Scheduling = FINAL,
    samples: np.ndarray | None = None,
) -> DecodeTask:
    prepared = window(engine.facts.n_mels, samples)
    return engine.tasks(Job((prepared,), parameters, float("inf"), scheduling))[0]


def text(outcome: object) -> str:
    assert isinstance(outcome, WindowResult)
    return "".join(segment.text for segment in outcome.segments).strip()


@pytest.fixture(scope="module")
def undeclared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration model, without saying what it was trained on."""
    folder = tmp_path_factory.mktemp("undeclared")
    return Path(shutil.copytree(WEIGHTS, folder / "m", ignore=lambda *_: ["windows.json"]))


@pytest.mark.parametrize(
    ("is_declared", "setting", "final", "partial"),
    [
        (True, "auto", 600, 400),
        (False, "auto", 1000, 1000),
        (True, "declared", 600, 400),
        (False, "declared", 3000, 1000),
        (False, "short", 1000, 1000),
        (True, "full", 3000, 400),
    ],
)
def test_finals_get_short_windows_where_the_model_or_the_operator_says_so(
    undeclared: Path, is_declared: bool, setting: Any, final: int, partial: int
) -> None:
    weights = WEIGHTS if is_declared else undeclared
    engine = WhisperEngine.load(
        weights, "cpu", EndpointSettings(final_windows=setting, cpu_threads=1)
    )
    frames = [first_task(engine, scheduling=scheduling).frames for scheduling in (FINAL, PARTIAL)]
    assert frames == [final, partial]


def test_on_a_cpu_a_final_without_detection_gets_a_whole_window(undeclared: Path) -> None:
    engine = WhisperEngine.load(undeclared, "cpu", EndpointSettings(cpu_threads=1))
    unheard = replace(GREEDY, vad_filter=False)
    assert first_task(engine, unheard).frames == 3000
    assert first_task(engine, unheard, PARTIAL).frames == 1000


def test_a_batch_is_generated_at_once_and_on_a_cpu_encoded_one_by_one(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = record(engine, monkeypatch)
    half = clip_samples()[:20_000]
    tasks = [first_task(engine), first_task(engine, samples=half), first_task(engine)]
    decoded = engine.decode(tasks)
    assert recorder.shapes == [(1, 80, 600)] * 3
    assert [len(prompts) for prompts in recorder.prompts] == [3]
    first, second, third = (text(outcome) for outcome in decoded.outcomes)
    assert first == third == SENTENCE
    assert second not in ("", SENTENCE)
    report = decoded.report
    assert (report.size, report.key) == (3, tasks[0].key)
    assert 0 < report.encode_s + report.generate_s <= report.total_s


def test_on_another_device_a_batch_is_encoded_at_once(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = record(engine, monkeypatch)
    recorder.device = "cuda"
    decoded = engine.decode([first_task(engine), first_task(engine)])
    assert recorder.shapes == [(2, 80, 600)]
    assert [text(outcome) for outcome in decoded.outcomes] == [SENTENCE] * 2


def test_a_refused_short_window_is_encoded_again_at_30_s(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = record(engine, monkeypatch)
    strict = replace(GREEDY, log_prob_threshold=-0.0001)
    good, refused = first_task(engine), first_task(engine, strict)
    done, again = engine.decode([good, refused]).outcomes
    assert text(done) == SENTENCE
    assert isinstance(again, DecodeTask)
    assert text(engine.decode([again]).outcomes[0]) == SENTENCE
    assert [shape[2] for shape in recorder.shapes] == [600, 600, 3000]


def test_text_goes_on_from_a_forced_prefix(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = record(engine, monkeypatch)
    tokens = engine._tokens.encode(" hello this is john", add_special_tokens=False).ids
    forced = Scheduling(priority=Priority.PARTIAL, forced_prefix=tuple(tokens))
    wrong = Scheduling(priority=Priority.PARTIAL, forced_prefix=tuple(tokens[:-2]))
    tasks = [
        first_task(engine, scheduling=PARTIAL),
        first_task(engine, scheduling=forced),
        first_task(engine, scheduling=wrong),
    ]
    together = [text(outcome) for outcome in engine.decode(tasks).outcomes]
    assert together == [SENTENCE] * 3
    assert {len(prompt) for prompt in recorder.prompts[0]} == {
        3,
        4 + len(tokens),
        2 + len(tokens),
    }
    (segment,) = outcome_segments(engine, tasks[1])
    assert [token for token in segment.tokens if token < engine.end_token][: len(tokens)] == tokens
    assert segment.start < 0.5


def outcome_segments(engine: WhisperEngine, task: DecodeTask) -> Any:
    outcome: DecodeTask | WindowResult = task
    while isinstance(outcome, DecodeTask):
        outcome = engine.decode([outcome]).outcomes[0]
    return outcome.segments


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_forced_prefix_of_a_multilingual_model_is_kept_as_it_is(
    multilingual_engine: WhisperEngine, language: str
) -> None:
    given = Scheduling(priority=Priority.PARTIAL, forced_prefix=(300, 301, 302))
    loose = Parameters(
        language=language,
        temperature=(0.0,),
        beam_size=1,
        log_prob_threshold=None,
        compression_ratio_threshold=None,
    )
    segments = outcome_segments(multilingual_engine, first_task(multilingual_engine, loose, given))
    tokens = [token for segment in segments for token in segment.tokens]
    zero = multilingual_engine._tokens.token_to_id("<|0.00|>")
    assert tokens[:4] == [zero, 300, 301, 302]
    assert len(tokens) > 4


@pytest.mark.parametrize(("language", "is_kept"), [("es", True), ("en", False), (None, True)])
def test_what_was_heard_in_another_language_than_is_detected_now_is_not_forced(
    multilingual_engine: WhisperEngine, language: str | None, is_kept: bool
) -> None:
    prefix = (300, 301, 302)
    given = Scheduling(priority=Priority.PARTIAL, forced_prefix=prefix, prefix_language=language)
    loose = replace(GREEDY, language=None, log_prob_threshold=None)
    task = first_task(multilingual_engine, loose, given)
    segments = outcome_segments(multilingual_engine, task)
    tokens = [token for segment in segments for token in segment.tokens]
    assert task.job.language == DETECTED
    assert (tuple(tokens[1:4]) == prefix) is is_kept


def test_a_long_prompt_leaves_room_for_the_text(engine: WhisperEngine) -> None:
    prompted = replace(GREEDY, initial_prompt="order " * 1_000)
    task = first_task(engine, prompted)
    assert len(task.prompt) == 223
    assert task.max_new_tokens == 100
    assert engine.decode([task]).report.tokens > 0


@pytest.mark.parametrize("name", ["initial_prompt", "terms", "prefix"])
def test_control_tokens_that_a_caller_writes_are_text_and_harm_no_neighbour(
    engine: WhisperEngine, name: str
) -> None:
    tokens = "<|startoftranscript|> <|endoftext|> <|0.00|><|en|>"
    written: dict[str, Any] = {name: (tokens,) if name == "terms" else tokens}
    task = first_task(engine, replace(GREEDY, **written))
    given = task.prompt or task.terms or task.prefix
    assert "startoftranscript" in engine._tokens.decode(given).replace(" ", "")
    assert max(given) < engine.end_token
    ungated = replace(GREEDY, log_prob_threshold=None, compression_ratio_threshold=None)
    neighbour = replace(first_task(engine, ungated), prompt=(300,) * len(task.context))
    alone = text(engine.decode([neighbour]).outcomes[0])
    attacked = engine.decode([neighbour, task, neighbour]).outcomes
    assert [text(outcome) for outcome in attacked[::2]] == [alone] * 2


@pytest.mark.parametrize(("beam", "patience"), [(1, 0.01), (2, 0.2), (5, 1e-9), (3, 4.0)])
def test_every_patience_finds_a_text(engine: WhisperEngine, beam: int, patience: float) -> None:
    task = first_task(engine, replace(GREEDY, beam_size=beam, patience=patience))
    assert text(engine.decode([task]).outcomes[0]) == SENTENCE


@pytest.mark.parametrize("penalty", [-5.0, -1.0, 0.0, 5.0])
def test_no_length_penalty_fails_on_a_text_of_no_tokens(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch, penalty: float
) -> None:
    class Mute(Recorder):
        def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
            nothing = SimpleNamespace(sequences_ids=[[]], scores=[-1.0], no_speech_prob=0.5)
            return [nothing for _ in prompts]

    monkeypatch.setattr(engine, "_model", Mute(engine._model))
    task = first_task(engine, replace(GREEDY, length_penalty=penalty))
    assert text(engine.decode([task]).outcomes[0]) == ""


def test_tokens_end_at_the_cap(engine: WhisperEngine) -> None:
    for prompt in ((), (1,) * 223):
        task = first_task(engine, samples=np.concatenate([clip_samples(), silence(0.5)]))
        capped = replace(task, prompt=prompt, max_new_tokens=6)
        assert engine.decode([capped]).report.tokens == 6


class Talkative(Recorder):
    """A model of which the second text never ends by itself."""

    limits: list[int]

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        limit = options["max_length"] // 2
        self.limits = [*getattr(self, "limits", []), limit]
        made = super().generate(encoded, prompts, **options)
        endless = SimpleNamespace(
            # The best of a beam that is cut here is another text than one that is cut later.
            sequences_ids=[[limit] * limit],
            scores=[-0.1],
            no_speech_prob=0.0,
        )
        return [endless if row == 1 else result for row, result in enumerate(made)]


def test_windows_that_differ_in_the_length_of_their_texts_share_a_batch(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = first_task(engine)
    batch = [replace(plain, max_new_tokens=limit) for limit in (224, 112, 100)]
    assert len({task.key for task in batch}) == 1
    recorder = record(engine, monkeypatch)
    assert [text(one) for one in engine.decode(batch).outcomes] == [SENTENCE] * 3
    assert len(recorder.prompts) == 1

    talkative = Talkative(recorder._model)
    monkeypatch.setattr(engine, "_model", talkative)
    encoded = engine._encode(batch)
    tokenizers = [engine._tokenizer("en", "transcribe")] * 3
    attempts = generation.generate(talkative, encoded, batch, tokenizers, [])
    # Only the limit that a text has reached is generated with again, and only for that text.
    assert talkative.limits == [224, 112]
    assert attempts[1].tokens == (112,) * 112
    assert attempts[0].tokens == attempts[2].tokens


@pytest.mark.parametrize("beam", [1, 5])
def test_a_text_beyond_its_limit_is_the_same_in_a_batch_and_alone(
    engine: WhisperEngine, beam: int
) -> None:
    free = replace(
        GREEDY, beam_size=beam, log_prob_threshold=None, compression_ratio_threshold=None
    )
    plain = first_task(engine, free)
    short, long = replace(plain, max_new_tokens=5), replace(plain, max_new_tokens=100)
    tokenizer = engine._tokenizer("en", "transcribe")

    def tokens(*batch: DecodeTask) -> list[tuple[int, ...]]:
        encoded = engine._encode(batch)
        given = [tokenizer] * len(batch)
        made = generation.generate(engine._model, encoded, batch, given, engine._suppressed)
        return [attempt.tokens for attempt in made]

    assert tokens(short, long, short) == [*tokens(short), *tokens(long), *tokens(short)]
    assert len(tokens(short)[0]) == 5 < len(tokens(long)[0])


def test_features_in_float16_give_the_same_text(engine: WhisperEngine) -> None:
    task = first_task(engine)
    half = Features(engine.facts.n_mels, is_half=True)
    prepared = prepare(wav(clip_samples()), half, max_seconds=60, vad_filter=False).windows[0]
    assert prepared.features.dtype == np.dtype(np.float16)
    assert 2 * prepared.features.nbytes == task.features.nbytes
    np.testing.assert_array_equal(prepared.features, task.features.astype(np.float16))
    task.job.windows = (prepared,)
    assert text(engine.decode([task]).outcomes[0]) == SENTENCE


@pytest.mark.parametrize(
    ("device", "compute_type", "is_half"),
    [
        ("cuda", "float16", True),
        ("cuda", "int8_float16", True),
        ("cuda", "bfloat16", False),
        ("cuda", "float32", False),
        ("cpu", "int8_float32", False),
    ],
)
def test_features_are_float16_where_the_model_computes_in_it(
    engine: WhisperEngine, device: str, compute_type: str, is_half: bool
) -> None:
    model = Recorder(engine._model)
    model.device, model.compute_type = device, compute_type
    assert WhisperEngine(model, engine._tokens, 1).facts.is_half is is_half
