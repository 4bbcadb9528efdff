# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""tiny.en with OpenVINO's encoder beside CTranslate2's, both in float32, on what people say.

Any processor computes in float32, so this holds where bfloat16, which `auto` asks for, is missing.
The two sum in another order: what the decoder hears differs by a few millionths, which changes a
word only where two were as likely. None of these is, so no word may differ; times are those of the
encoder's positions, and may be one of them apart.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import word_errors
from benchmarks.real_calls.prompts import SAMPLE_RATE, Prompt, read_prompts
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.encoders.choice import WithEncoder
from whisper_endpoint.engine.jobs import DecodeTask, Job
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters, PreparedWindow
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import WindowResult
from whisper_stream.audio.samples import wav_bytes

pytest.importorskip("openvino", reason="is installed on Linux alone")
pytestmark = pytest.mark.slow

PARAMETERS = Parameters(language="en", temperature=(0.0,), word_timestamps=True)
POSITION_S = 0.02
SHORT, LONG = 1_000, 3_000


def window(samples: np.ndarray) -> PreparedWindow:
    data = wav_bytes(samples, SAMPLE_RATE)
    (one,) = prepare(data, Features(80), max_seconds=30, vad_filter=False).windows
    return one


def joined(prompts: Sequence[Prompt], seconds: float) -> tuple[np.ndarray, str]:
    """Some prompts with pauses, as many as fit, and their texts."""
    pause = np.zeros(SAMPLE_RATE // 2, np.int16)
    parts, texts = [np.zeros(0, np.int16)], []
    for one in prompts:
        if sum(map(len, parts)) + len(one.samples) > seconds * SAMPLE_RATE:
            break
        parts += [one.samples, pause]
        texts.append(one.text)
    return np.concatenate(parts), " ".join(texts)


def heard(engine: WhisperEngine, windows: list[PreparedWindow], frames: int) -> list[WindowResult]:
    """Decode windows in one batch, and what is left of one of them after it."""
    tasks = [engine.tasks(Job((one,), PARAMETERS, float("inf")))[0] for one in windows]
    assert {one.frames for one in tasks} == {frames}
    results = []
    waiting = list(engine.decode(tasks).outcomes)
    while waiting:
        outcome = waiting.pop(0)
        if isinstance(outcome, DecodeTask):
            waiting = [*engine.decode([outcome]).outcomes, *waiting]
        else:
            results.append(outcome)
    return results


def text(result: WindowResult) -> str:
    return "".join(segment.text for segment in result.segments).strip()


def times(result: WindowResult) -> np.ndarray:
    words = [word for segment in result.segments for word in segment.words or ()]
    return np.array([(word.start, word.end) for word in words]).reshape(-1, 2)


def test_words_and_their_times_are_those_of_ctranslate2(tiny_weights: Path) -> None:
    engines = []
    for encoder in ("ctranslate2", "openvino"):
        options = {"compute_type": "float32", "cpu_threads": 1, "final_windows": "short"}
        settings = EndpointSettings.model_validate(options | {"encoder": encoder})
        engines.append(WhisperEngine.load(tiny_weights, "cpu", settings))
    theirs, ours = engines
    assert isinstance(ours._model, WithEncoder)
    assert not isinstance(theirs._model, WithEncoder)

    prompts = read_prompts("en")
    said = [one for one in prompts if 1.5 < one.seconds < 7.5]
    short = [(one.samples, one.text) for one in said[:: len(said) // 4][:4]]
    long = joined(said[20:], 26)
    silence = (np.zeros(SAMPLE_RATE * 5, np.int16), "")
    batches = [(SHORT, short[:1]), (SHORT, [*short[1:], silence]), (LONG, [long])]
    words = 0
    for frames, batch in batches:
        windows = [window(samples) for samples, _ in batch]
        expected, found = (heard(engine, windows, frames) for engine in (theirs, ours))
        assert [text(one) for one in found] == [text(one) for one in expected]
        for (_, reference), one, other in zip(batch, found, expected, strict=True):
            np.testing.assert_allclose(times(one), times(other), atol=POSITION_S + 1e-9)
            words += len(times(one))
            # Both heard what was said, and nothing in silence.
            assert word_errors(reference, text(one)).rate < 0.35, (reference, text(one))
    assert words > 80
