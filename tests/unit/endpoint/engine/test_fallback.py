# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from typing import Any

import numpy as np
import pytest

from whisper_endpoint.engine import fallback
from whisper_endpoint.engine.fallback import Verdict, judge
from whisper_endpoint.engine.gates import Attempt
from whisper_endpoint.engine.jobs import DecodeTask, Job, Scheduling
from whisper_endpoint.messages import Parameters, PreparedWindow, Priority, Span, Window

WINDOW = PreparedWindow(Window((Span(0, 48_000),)), np.zeros((80, 300), np.float32))


TEMPERATURES = (0.0, 0.2, 0.4, 0.6)


def task(frames: int = 3000, priority: Priority = Priority.FINAL, **parameters: Any) -> DecodeTask:
    given = Parameters(language="en", temperature=TEMPERATURES)
    job = Job((WINDOW,), given, 100.0, Scheduling(priority=priority))
    return DecodeTask(
        job=job, position=0, frames=frames, search=fallback.search(given, 0, 300), **parameters
    )


def attempt(log_prob: float = -0.2, text: str = "hello", no_speech: float = 0.0) -> Attempt:
    return Attempt(
        tokens=(1,), text=text, temperature=0.0, avg_logprob=log_prob, no_speech_prob=no_speech
    )


GOOD, UNSURE, LOOP = attempt(), attempt(-1.5), attempt(text="thank you " * 50)


def course(first: DecodeTask, tried: Attempt, max_fallbacks: int = 2) -> list[tuple[int, float]]:
    """Frames and temperature of each attempt at a window that is refused again and again."""
    seen, now = [], first
    while True:
        seen.append((now.frames, now.search.temperature))
        verdict = judge(now, tried, max_fallbacks=max_fallbacks, is_late=False)
        if verdict.fallback is None:
            assert verdict.accepted is tried
            return seen
        now = verdict.fallback


def test_what_the_gates_pass_is_believed() -> None:
    assert judge(task(1000), GOOD, max_fallbacks=2, is_late=False) == Verdict(accepted=GOOD)


@pytest.mark.parametrize("tried", [UNSURE, LOOP])
def test_a_refused_short_window_is_decoded_at_30_s_and_then_at_the_next_temperatures(
    tried: Attempt,
) -> None:
    assert course(task(1000), tried) == [(1000, 0.0), (3000, 0.0), (3000, 0.2), (3000, 0.4)]
    assert course(task(3000), tried) == [(3000, 0.0), (3000, 0.2), (3000, 0.4)]
    assert course(task(3000), tried, max_fallbacks=9)[-1] == (3000, 0.6)


def test_a_partial_is_decoded_at_30_s_and_no_further() -> None:
    partial = task(1000, Priority.PARTIAL)
    assert course(partial, UNSURE) == [(1000, 0.0), (3000, 0.0)]


def test_a_forced_prefix_is_given_up_when_what_follows_is_refused() -> None:
    verdict = judge(task(3000, forced_prefix=(5, 6)), LOOP, max_fallbacks=0, is_late=False)
    assert verdict.fallback is not None
    assert verdict.fallback.forced_prefix == ()
    assert verdict.gate == "repetitive"


def test_when_it_is_late_the_best_there_is_counts() -> None:
    better = attempt(-1.2)
    tried = task(3000, attempts=(better, attempt(-1.9)))
    verdict = judge(tried, UNSURE, max_fallbacks=5, is_late=True)
    assert (verdict.accepted, verdict.fallback, verdict.gate) == (better, None, "unsure")


def test_silence_has_no_text_and_is_not_decoded_again() -> None:
    silent = attempt(-1.5, no_speech=0.9)
    assert judge(task(1000), silent, max_fallbacks=2, is_late=False) == Verdict(gate="silent")


def test_an_invented_phrase_is_dropped_where_it_is_likely_silent() -> None:
    phrase = "Thanks for watching!"
    invented = attempt(-0.1, phrase, no_speech=0.7)
    assert judge(task(), invented, max_fallbacks=2, is_late=False) == Verdict(gate="invented")
    for heard in (attempt(-0.1, phrase, 0.5), attempt(-0.1, "thanks for waiting", 0.7)):
        assert judge(task(), heard, max_fallbacks=2, is_late=False).accepted is heard


def test_search_settings_that_do_not_apply_are_alike() -> None:
    one = Parameters(temperature=(0.0, 0.4), beam_size=2, best_of=3, patience=2.0)
    other = Parameters(temperature=(0.0, 0.4), beam_size=4, best_of=3)
    assert fallback.search(one, 1, 300) == fallback.search(other, 1, 300)
    assert fallback.search(one, 0, 300) != fallback.search(other, 0, 300)


def test_tokens_are_capped_by_the_length_of_the_audio() -> None:
    caps = [fallback.search(Parameters(), 0, frames).max_new_tokens for frames in (10, 400, 401)]
    assert caps == [100, 100, 224]
