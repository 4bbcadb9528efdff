# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.attempts.loop_cutting import cut

END, ZERO = 1000, 1001
CHANGING = "".join(f"I am not sure that you can {verb} it. " for verb in ("see", "hear", "do") * 9)


def attempt(text: str, tokens: tuple[int, ...] = ()) -> Attempt:
    return Attempt(
        tokens=tokens or tuple(map(ord, text)),
        text=text.strip(),
        temperature=0.0,
        avg_logprob=-0.1,
        no_speech_prob=0.1,
    )


def decode(tokens: list[int]) -> str:
    return "".join(chr(token) for token in tokens if token < END)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am sorry, " * 30, "I am sorry, I am sorry,"),
        ("hello there " + "1," + "5," * 80, "hello there 1,5,5,"),
        ("we said no " + "ha" * 90 + "h", "we said no haha"),
        ("so " + "thank you. " * 30 + "bye then", "so thank you. thank you. bye then"),
        (CHANGING + "x", CHANGING[: len(CHANGING) // 9] + "x"),
    ],
)
def test_a_loop_is_cut_to_one_or_two_occurrences(text: str, expected: str) -> None:
    shorter = cut(attempt(text), 2.4, END, decode)
    assert shorter.text == expected
    assert decode(list(shorter.tokens)).strip() == expected
    assert shorter.compression_ratio <= 2.4
    assert shorter.avg_logprob == -0.1


def test_what_changes_as_it_repeats_ends_where_it_is_too_much() -> None:
    text = "".join(f"Number {number}, number {number}. " for number in range(90))
    shorter = cut(attempt(text), 2.4, END, decode)
    assert text.startswith(shorter.text)
    assert 2.2 < shorter.compression_ratio <= 2.4


def test_whatever_the_threshold_it_is_kept() -> None:
    for threshold in (1.5, 0.9, 0.5, 0.0):
        shorter = cut(attempt("yes, yes, yes, yes, yes, yes, yes"), threshold, END, decode)
        assert shorter.compression_ratio <= threshold


def test_segments_without_text_lose_their_times_too() -> None:
    thanks = tuple(map(ord, " Thank you."))
    tokens = [ZERO, *map(ord, " Hello.")]
    for number in range(1, 21):
        tokens += [ZERO + number, ZERO + number, *thanks]
    shorter = cut(attempt(" Hello." + " Thank you." * 20, (*tokens, ZERO + 21)), 2.4, END, decode)
    assert shorter.text == "Hello. Thank you. Thank you."
    assert shorter.is_cut
    assert [token - ZERO for token in shorter.tokens if token >= ZERO] == [0, 1, 1, 2, 2, 3]
