# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from typing import Any

import pytest

from whisper_endpoint.engine.gates import Attempt, best, is_invented, is_silent, refusing
from whisper_endpoint.messages import Parameters


def attempt(
    text: str = "hello", log_prob: float = -0.3, no_speech: float = 0.0, temperature: float = 0.0
) -> Attempt:
    return Attempt(
        tokens=(1,),
        text=text,
        temperature=temperature,
        avg_logprob=log_prob,
        no_speech_prob=no_speech,
    )


LOOP = "thank you " * 50


@pytest.mark.parametrize(
    ("tried", "parameters", "refused", "silent"),
    [
        (attempt(), Parameters(), False, False),
        (attempt(LOOP), Parameters(), True, False),
        (attempt(LOOP), Parameters(compression_ratio_threshold=None), False, False),
        (attempt(log_prob=-1.5), Parameters(), True, False),
        (attempt(log_prob=-1.5), Parameters(log_prob_threshold=-2.0), False, False),
        (attempt(log_prob=-1.5), Parameters(log_prob_threshold=None), False, False),
        (attempt(log_prob=-1.5, no_speech=0.7), Parameters(), False, True),
        (attempt(no_speech=0.7), Parameters(), False, False),
        (attempt(no_speech=0.7), Parameters(log_prob_threshold=None), False, True),
        (attempt(log_prob=-1.5, no_speech=0.7), Parameters(no_speech_threshold=0.8), True, False),
        (attempt(log_prob=-1.5, no_speech=0.7), Parameters(no_speech_threshold=None), True, False),
    ],
)
def test_gates(tried: Attempt, parameters: Parameters, refused: bool, silent: bool) -> None:
    assert (refusing(tried, parameters) != "", is_silent(tried, parameters)) == (refused, silent)


def test_of_refused_attempts_the_surest_that_does_not_repeat_is_kept() -> None:
    loop, poor, fair = attempt(LOOP, -0.1), attempt("a", -3.0), attempt("b", -1.5)
    assert best([loop, poor, fair], Parameters()) is fair
    assert best([attempt(LOOP, -2.0), loop], Parameters()) is loop


def test_compression_ratio_is_faster_whispers() -> None:
    from faster_whisper.transcribe import get_compression_ratio

    assert attempt(LOOP).compression_ratio == get_compression_ratio(LOOP)


@pytest.mark.parametrize("name", ["hotwords", "initial_prompt"])
def test_what_the_model_was_told_to_expect_is_not_heard_in_silence(name: str) -> None:
    given: dict[str, Any] = {name: "Acme, Widget."}
    told = Parameters(**given)
    assert is_invented(attempt(" acme widget", no_speech=0.7), told)
    assert not is_invented(attempt(" acme widget", no_speech=0.1), told)
    assert not is_invented(attempt(" acme sells widgets", no_speech=0.7), told)
