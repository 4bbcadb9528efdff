# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from whisper_endpoint.engine.attempts import fallback
from whisper_endpoint.engine.attempts.fallback import Verdict, judge
from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.jobs import DecodeTask, Job, Scheduling
from whisper_endpoint.messages import Parameters, PreparedWindow, Priority, Span, Window

WINDOW = PreparedWindow(Window((Span(0, 48_000),)), np.zeros((80, 300), np.float32))


TEMPERATURES = (0.0, 0.2, 0.4, 0.6)


GIVEN = Parameters(language="en", temperature=TEMPERATURES)


def task(
    frames: int = 3000,
    priority: Priority = Priority.FINAL,
    given: Parameters = GIVEN,
    utterance: str | None = None,
    window: Any = None,
    **fields: Any,
) -> DecodeTask:
    heard = WINDOW if window is None else replace(WINDOW, features=window)
    job = Job((heard,), given, 100.0, Scheduling(priority=priority, utterance=utterance))
    return DecodeTask(
        job=job,
        position=0,
        frames=frames,
        search=fallback.search(given, 0),
        max_new_tokens=fallback.most_tokens(heard.features.shape[1]),
        **fields,
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


def test_an_unsure_partial_is_not_decoded_again_and_a_loop_once() -> None:
    partial = task(1000, Priority.PARTIAL)
    assert course(partial, UNSURE) == [(1000, 0.0)]
    assert course(partial, LOOP) == [(1000, 0.0), (1000, 0.2)]


@pytest.mark.parametrize("tried", [UNSURE, LOOP])
def test_a_live_final_is_decoded_again_once_at_its_length_and_not_as_wide(tried: Attempt) -> None:
    final = task(1000, utterance="u1")
    assert course(final, tried) == [(1000, 0.0), (1000, 0.2)]
    assert course(final, tried, max_fallbacks=0) == [(1000, 0.0)]
    again = judge(final, tried, max_fallbacks=2, is_late=False).fallback
    assert again is not None
    assert 2 * again.search.best_of <= final.search.beam_size
    assert again.max_new_tokens == final.max_new_tokens


def test_the_short_beginning_of_a_loop_is_refused_like_the_loop() -> None:
    short, other = attempt(text="Thank you, thank you, thank you."), attempt(text="Thank you.")
    final = task(1000, utterance="u1")
    alone = judge(final, short, max_fallbacks=2, is_late=False)
    assert alone == Verdict(accepted=short)
    again = judge(final, LOOP, max_fallbacks=2, is_late=False).fallback
    assert again is not None
    assert judge(again, other, max_fallbacks=2, is_late=False) == Verdict(accepted=other)
    # Nothing better was found: it is cut, as a loop is.
    assert judge(again, short, max_fallbacks=2, is_late=False) == Verdict(
        accepted=short, gate="repetitive"
    )
    unsure = replace(short, avg_logprob=-1.2)
    again = judge(final, unsure, max_fallbacks=2, is_late=False).fallback
    assert again is not None
    verdict = judge(again, LOOP, max_fallbacks=2, is_late=False)
    assert verdict == Verdict(accepted=unsure, gate="repetitive")


def test_a_loop_is_tried_at_other_temperatures_even_if_one_is_asked_for() -> None:
    only_0 = replace(GIVEN, temperature=(0.0,))
    assert course(task(given=only_0), LOOP) == [(3000, 0.0), (3000, 0.2), (3000, 0.4)]
    assert course(task(given=only_0), UNSURE) == [(3000, 0.0)]
    only_1 = replace(GIVEN, temperature=(1.0,))
    assert course(task(given=only_1), LOOP) == [(3000, 1.0)]


@pytest.mark.parametrize("tried", [UNSURE, LOOP])
def test_what_no_attempt_betters_is_dropped_where_nothing_says_that_somebody_speaks(
    tried: Attempt,
) -> None:
    noise, speech = replace(tried, no_speech_prob=0.4), replace(tried, no_speech_prob=0.2)
    undetected = task(given=replace(GIVEN, vad_filter=False))
    assert judge(undetected, noise, max_fallbacks=0, is_late=False) == Verdict(gate="silent")
    assert judge(undetected, speech, max_fallbacks=0, is_late=False).accepted is speech
    assert judge(task(), noise, max_fallbacks=0, is_late=False).accepted is noise


def test_a_loop_where_it_is_likely_silent_is_dropped_at_once() -> None:
    noise = replace(LOOP, no_speech_prob=0.9)
    assert judge(task(), noise, max_fallbacks=2, is_late=False) == Verdict(gate="silent")


def test_a_text_cut_off_by_its_cap_is_decoded_without_it_unless_it_is_a_loop() -> None:
    long, loop = replace(GOOD, tokens=(1,) * 112), replace(LOOP, tokens=(1,) * 112)
    seconds_8 = task(window=np.zeros((80, 800), np.float32))
    again = judge(seconds_8, long, max_fallbacks=0, is_late=False).fallback
    assert again is not None
    assert (again.search.temperature, again.max_new_tokens) == (0.0, 224)
    assert judge(again, long, max_fallbacks=0, is_late=False).accepted is long
    assert judge(seconds_8, loop, max_fallbacks=0, is_late=False).fallback is None
    assert judge(task(), long, max_fallbacks=0, is_late=False).accepted is long


@pytest.mark.parametrize(
    ("without", "accepted", "gate"),
    [
        (attempt(text="hello.", no_speech=0.5), attempt(text="Hello", no_speech=0.5), ""),
        (attempt(text="bye", no_speech=0.5), attempt(text="bye", no_speech=0.5), ""),
        (attempt(-1.5, no_speech=0.7), None, "silent"),
        (attempt(-1.5, no_speech=0.4), None, "invented"),
        (attempt(text="you", no_speech=0.7), None, "invented"),
    ],
)
def test_what_may_be_an_echo_is_heard_again_without_the_prompt(
    without: Attempt, accepted: Attempt | None, gate: str
) -> None:
    told = replace(GIVEN, terms=("hello",))
    echo = attempt(text="Hello", no_speech=0.5)
    first = task(given=told, prompt=(1,), terms=(2,), prefix=(3,))
    verdict = judge(first, echo, max_fallbacks=2, is_late=False)
    again = verdict.fallback
    assert again is not None
    assert (again.context, again.begins_with, again.doubted) == ((), (), echo)
    assert again.search == first.search
    ended = judge(again, without, max_fallbacks=2, is_late=False)
    assert ended == Verdict(accepted=accepted, gate=gate)


def test_a_forced_prefix_is_given_up_when_what_follows_is_refused() -> None:
    verdict = judge(task(3000, forced_prefix=(5, 6)), LOOP, max_fallbacks=0, is_late=False)
    assert verdict.fallback is not None
    assert verdict.fallback.forced_prefix == ()
    assert verdict.gate == "repetitive"


def test_a_forced_prefix_of_another_language_which_has_no_effect_costs_no_second_decode() -> None:
    scheduling = Scheduling(priority=Priority.PARTIAL, forced_prefix=(5, 6), prefix_language="es")
    first = task(3000, forced_prefix=(5, 6))
    spoken = replace(first, job=Job((WINDOW,), GIVEN, 100.0, scheduling))
    assert spoken.begins_with == ()
    verdict = judge(spoken, UNSURE, max_fallbacks=2, is_late=False)
    assert (verdict.fallback, verdict.accepted) == (None, UNSURE)


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
    assert fallback.search(one, 1) == fallback.search(other, 1)
    assert fallback.search(one, 0) != fallback.search(other, 0)


def test_tokens_are_capped_by_the_length_of_the_audio() -> None:
    lengths = (10, 400, 401, 1000, 1001)
    caps = [fallback.most_tokens(frames) for frames in lengths]
    assert caps == [100, 100, 112, 112, 224]


@pytest.mark.parametrize(
    ("fields", "given", "gate", "expected"),
    [
        ({"position": 1}, {}, "silent", True),
        ({"position": 1}, {}, "unsure", True),
        ({"seek": 500}, {}, "repetitive", True),
        ({"position": 1}, {}, "", False),
        ({}, {}, "silent", False),
        ({"position": 1, "language": "es"}, {}, "silent", False),
        ({"position": 1}, {"language": "en"}, "silent", False),
        ({"position": 1}, {"vad_filter": False}, "silent", False),
    ],
)
def test_speech_without_a_text_may_be_in_another_language(
    fields: dict[str, Any], given: dict[str, Any], gate: str, expected: bool
) -> None:
    asked = replace(Parameters(), **given)
    job = Job((WINDOW, WINDOW), asked, 100.0)
    job.detected("en", 0.9)
    search = fallback.search(asked, 0)
    one = replace(
        DecodeTask(job=job, position=0, frames=3000, search=search, max_new_tokens=224), **fields
    )
    verdict = Verdict(gate=gate)
    assert fallback.may_be_another_language(one, verdict) is expected
    again = fallback.in_language(one, verdict, "fr", 0.8).fallback
    assert again is not None
    assert (again.spoken, again.search) == ("fr", search)
    assert fallback.in_language(one, verdict, "fr", 0.4) is verdict
    assert fallback.in_language(one, verdict, one.spoken, 0.9) is verdict


def first_window(detected: float, **given: Any) -> DecodeTask:
    asked = replace(Parameters(), **given)
    job = Job((WINDOW, WINDOW), asked, 100.0)
    job.detected("cy", detected)
    search = fallback.search(asked, 0)
    return DecodeTask(job=job, position=0, frames=3000, search=search, max_new_tokens=224)


@pytest.mark.parametrize(
    ("detected", "given", "fields", "gate", "expected"),
    [
        (0.58, {}, {}, "repetitive", True),
        (0.62, {}, {}, "repetitive", False),
        (0.58, {}, {}, "unsure", False),
        (0.58, {}, {}, "", False),
        (0.58, {}, {"position": 1}, "repetitive", False),
        (0.58, {}, {"seek": 500}, "repetitive", False),
        (0.58, {"language": "cy"}, {}, "repetitive", False),
        (0.58, {"multilingual": True}, {"language": "cy"}, "repetitive", False),
    ],
)
def test_a_loop_in_a_language_that_was_barely_detected_is_doubted(
    detected: float, given: dict[str, Any], fields: dict[str, Any], gate: str, expected: bool
) -> None:
    one = replace(first_window(detected, **given), **fields)
    assert fallback.has_doubtful_language(one, Verdict(gate=gate)) is expected


def test_the_next_most_probable_language_becomes_the_recordings_if_its_text_is_accepted() -> None:
    one, loop = replace(first_window(0.58), forced_prefix=(7,)), Verdict(gate="repetitive")
    assert fallback.in_possible_language(one, loop, "en", 0.2) is loop
    trial = fallback.in_possible_language(one, loop, "en", 0.4).fallback
    assert trial is not None
    assert (trial.spoken, trial.forced_prefix, one.job.language) == ("en", (), "cy")
    accepted = judge(trial, attempt(-0.3, "can you just remind me"), max_fallbacks=2, is_late=False)
    assert fallback.settle_language(trial, accepted) is accepted
    assert (one.job.language, one.job.language_probability) == ("en", 0.4)


def test_attempts_go_on_in_the_detected_language_where_another_one_is_a_loop_too() -> None:
    one = first_window(0.58)
    trial = fallback.in_possible_language(one, Verdict(gate="repetitive"), "en", 0.4).fallback
    assert trial is not None
    loop = judge(trial, attempt(-0.3, "again and " * 40), max_fallbacks=2, is_late=False)
    assert loop.gate == "repetitive"
    assert not fallback.has_doubtful_language(trial, loop)
    following = fallback.settle_language(trial, loop).fallback
    assert following is not None
    assert (following.spoken, following.search.temperature > 0) == ("cy", True)
    assert not fallback.has_doubtful_language(following, loop)


@pytest.mark.parametrize(
    ("text", "language"), [("can you just remind me", "en"), ("again and " * 40, "cy")]
)
def test_other_windows_wait_until_a_doubtful_language_is_settled(text: str, language: str) -> None:
    one = first_window(0.58)
    other = replace(one, position=1)
    assert other.is_ready
    trial = fallback.in_possible_language(one, Verdict(gate="repetitive"), "en", 0.4).fallback
    assert trial is not None
    assert trial.is_ready
    assert not other.is_ready
    longer = Verdict(fallback=replace(trial, max_new_tokens=448))
    assert fallback.settle_language(trial, longer) is longer
    assert not other.is_ready
    verdict = judge(trial, attempt(-0.3, text), max_fallbacks=2, is_late=False)
    fallback.settle_language(trial, verdict)
    assert (other.is_ready, other.spoken) == (True, language)


def test_no_window_waits_for_ever_if_the_first_is_decoded_alone_after_a_failure() -> None:
    one = first_window(0.58)
    fallback.in_possible_language(one, Verdict(gate="repetitive"), "en", 0.4)
    fallback.settle_language(one, Verdict(accepted=attempt()))
    assert replace(one, position=1).is_ready
