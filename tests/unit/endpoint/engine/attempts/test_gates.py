# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from typing import Any

import pytest

from whisper_endpoint.engine.attempts.gates import (
    Attempt,
    best,
    is_invented,
    is_loop,
    is_silent,
    may_be_echo,
    may_be_silent,
    refusing,
)
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
        (attempt(LOOP, no_speech=0.7), Parameters(), False, True),
        (attempt(LOOP, no_speech=0.5), Parameters(no_speech_threshold=0.2), True, False),
        (attempt(LOOP, no_speech=0.7), Parameters(compression_ratio_threshold=None), False, False),
    ],
)
def test_gates(tried: Attempt, parameters: Parameters, refused: bool, silent: bool) -> None:
    assert (refusing(tried, parameters) != "", is_silent(tried, parameters)) == (refused, silent)


def test_what_is_at_a_threshold_passes_as_in_faster_whisper() -> None:
    loop = attempt("one two two two two two two three")
    at, below = loop.compression_ratio, loop.compression_ratio - 0.01
    assert refusing(loop, Parameters(compression_ratio_threshold=at)) == ""
    assert refusing(loop, Parameters(compression_ratio_threshold=below)) == "repetitive"
    assert refusing(attempt(log_prob=-1.0), Parameters()) == ""
    assert refusing(attempt(log_prob=-1.01), Parameters()) == "unsure"
    assert not is_silent(attempt(log_prob=-1.5, no_speech=0.6), Parameters())
    assert is_silent(attempt(log_prob=-1.5, no_speech=0.61), Parameters())
    for no_speech, silent in ((0.6, False), (0.61, True)):
        left_out = attempt(log_prob=-0.1, no_speech=no_speech)
        assert is_silent(left_out, Parameters(), is_left_out=True) == silent


def test_of_refused_attempts_the_surest_that_does_not_repeat_is_kept() -> None:
    loop, poor, fair = attempt(LOOP, -0.1), attempt("a", -3.0), attempt("b", -1.5)
    assert best([loop, poor, fair], Parameters()) is fair
    assert best([attempt(LOOP, -2.0), loop], Parameters()) is loop


def test_beside_a_loop_a_text_of_three_copies_is_not_preferred_for_its_probability() -> None:
    loop, short, poor = attempt(LOOP, -0.1), attempt("one, one one", -1.1), attempt("one mom", -1.5)
    assert best([loop, short, poor], Parameters()) is poor
    assert best([short, poor], Parameters()) is short
    assert best([loop, short], Parameters()) is short


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        ("Friday, Friday. Friday", True),
        ("well, I see, I see, I see.", True),
        ("no, no, no, that is not it", False),
        ("it is 5, 5, 5", False),
        ("Yes. Yes.", False),
        ("", False),
    ],
)
def test_a_third_copy_of_words_at_the_end_may_be_a_loop(text: str, looping: bool) -> None:
    assert is_loop(attempt(text), Parameters()) is looping
    assert not is_loop(attempt(text), Parameters(compression_ratio_threshold=None))


def test_compression_ratio_is_faster_whispers() -> None:
    from faster_whisper.transcribe import get_compression_ratio

    assert attempt(LOOP).compression_ratio == get_compression_ratio(LOOP)


@pytest.mark.parametrize("name", ["terms", "initial_prompt", "prefix"])
@pytest.mark.parametrize("text", [" acme widget", "Widget", "acme.", "widget acme, widget"])
def test_words_that_the_model_was_given_may_be_an_echo_where_it_may_be_silent(
    name: str, text: str
) -> None:
    given: dict[str, Any] = {name: ("Acme", "Widget") if name == "terms" else "Acme, Widget."}
    told = Parameters(**given)
    assert may_be_echo(attempt(text, no_speech=0.55), told)
    assert not may_be_echo(attempt(text, no_speech=0.1), told)
    assert not may_be_echo(attempt("acme sells widgets", no_speech=0.7), told)
    assert not may_be_echo(attempt(text, no_speech=0.7), Parameters())


@pytest.mark.parametrize("text", ["\u266a\u266a", "...", "\u200b \u200b", "- -"])
def test_what_nobody_can_say_is_invented(text: str) -> None:
    assert is_invented(attempt(text), Parameters())
    assert not is_invented(attempt("5"), Parameters())
    assert not is_invented(attempt("\u3042"), Parameters())
    assert not is_invented(attempt(""), Parameters())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thanks for watching!", True),
        ("СПОКОЙНАЯ МУЗЫКА СПОКОЙНАЯ МУЗЫКА СПОКОЙНАЯ МУЗЫКА", True),
        ("you you you", True),
        ("you you and you", False),
        ("спокойная музыка играет", False),
        ("Редактор субтитров И.Бойко", True),
        ("Субтитры можно включить в меню.", False),
        ("Untertitel im Auftrag des ZDF für funk, 2017", True),
        ("ПОЛИЦЕЙСКАЯ ДИНАМИЧНАЯ МУЗЫКА", True),
        ("MUSIQUE DU GÉNÉRIQUE", True),
        ("NASA, FBI", False),
        ("Sous-titres réalisés para la communauté d'Amara.org", True),
        ("Ondertitels ingediend door de Amara.org gemeenschap", True),
        ("Sottotitoli a cura di QTSS", True),
        ("Merci d'avoir regardé cette vidéo !", True),
        ("Grazie per la visione!", True),
        ("Grazie mille.", False),
        ("Merci.", False),
        ("PHONE RINGING", True),
        ("NASA", False),
        ("A B C D", False),
        ("IBM AND NASA", False),
    ],
)
def test_subtitles_are_invented_where_it_is_likely_silent(text: str, expected: bool) -> None:
    assert is_invented(attempt(text, no_speech=0.7), Parameters()) == expected
    assert not is_invented(attempt(text, no_speech=0.5), Parameters())


def test_a_low_threshold_does_not_make_silence_of_speech() -> None:
    lca = Parameters(no_speech_threshold=0.2)
    assert not is_invented(attempt("PLEASE HOLD", no_speech=0.5), lca)
    assert is_invented(attempt("PLEASE HOLD", no_speech=0.7), lca)
    assert not may_be_silent(attempt(no_speech=0.25), lca)
    assert may_be_silent(attempt(no_speech=0.35), lca)
    assert not may_be_silent(attempt(no_speech=0.9), Parameters(no_speech_threshold=None))
