# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What real weights make up is not shown: loops, copies, and texts where nobody speaks."""

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.in_process import transcribe
from benchmarks.real_calls import prompts
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.messages import Parameters
from whisper_endpoint.settings import EndpointSettings

# An account number as people say it. At temperature 0 base does not find out of "2, 1, 2, 1, …".
NUMBER = "5555551155515"
DIGITS = Path("/usr/share/asterisk/sounds/en_US_f_Allison/digits")
RATE = prompts.SAMPLE_RATE


@pytest.fixture(scope="module")
def whisper_base(base_weights: Path) -> WhisperEngine:
    settings = EndpointSettings(
        compute_type="int8", encoder="ctranslate2", engine_workers=1, cpu_threads=1
    )
    return WhisperEngine.load(base_weights, "cpu", settings)


def digit(name: str) -> NDArray[np.int16]:
    with wave.open(str(DIGITS / f"{name}.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def heard(engine: WhisperEngine, samples: NDArray[np.int16], *, vad_filter: bool) -> str:
    """Transcribe a live final."""
    how = Parameters(language="en", temperature=(0.0,), vad_filter=vad_filter)
    segments = transcribe(engine, samples, how)
    assert all(segment.compression_ratio <= 2.4 for segment in segments)
    return "".join(segment.text for segment in segments)


@pytest.mark.slow
def test_an_utterance_that_loops_at_temperature_0_ends_as_text_without_the_loop(
    whisper_base: WhisperEngine,
) -> None:
    said = np.concatenate([digit(name) for name in NUMBER])[: 9 * RATE]
    text = heard(whisper_base, said, vad_filter=True)
    assert text.count("5") >= 2
    assert len(text) < 60


@pytest.mark.slow
def test_a_sentence_said_twice_is_there_twice(whisper_base: WhisperEngine) -> None:
    (said,) = (one for one in prompts.read_prompts("en") if one.name == "pbx-invalidpark")
    pause = np.zeros(RATE // 2, np.int16)
    text = heard(whisper_base, np.concatenate([said.samples, pause, said.samples]), vad_filter=True)
    assert text.count("there is no call parked on that extension") == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["silence", "line noise", "noise", "music"])
def test_without_detection_too_nobody_is_heard_where_nobody_speaks(
    whisper_base: WhisperEngine, kind: str
) -> None:
    chance, frames = np.random.default_rng(3), 6 * RATE
    samples: dict[str, NDArray[np.float64] | NDArray[np.int16]] = {
        "silence": np.zeros(frames),
        "line noise": chance.standard_normal(frames) * 32,
        "noise": chance.standard_normal(frames) * 1_600,
        "music": prompts.hold_music()[0][:frames],
    }
    assert heard(whisper_base, samples[kind].astype(np.int16), vad_filter=False) == ""
