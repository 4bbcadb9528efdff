# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from whisper_endpoint.engine.attempts.languages import choose, next_best

HEARD = [("<|uk|>", 0.7), ("<|ru|>", 0.2), ("<|en|>", 0.05), ("<|yue|>", 0.0)]


@pytest.mark.parametrize(
    ("allowed", "frames", "language", "probability"),
    [
        ((), 100, "uk", 0.7),
        (("ru", "en"), 100, "ru", 0.8),
        (("en", "ru"), 100, "ru", 0.8),
        (("en", "ru", "uk"), 100, "en", 0.05 / 0.95),
        (("en", "ru", "uk"), 500, "uk", 0.7 / 0.95),
        (("uk", "ru"), 100, "uk", 0.7 / 0.9),
        (("en",), 100, "en", 1.0),
        (("yue", "zh"), 100, "yue", 0.5),
    ],
)
def test_the_language_is_one_of_those_allowed_and_the_first_unless_another_is_evident(
    allowed: tuple[str, ...], frames: int, language: str, probability: float
) -> None:
    chosen, sure = choose(HEARD, allowed, frames)
    assert chosen == language
    assert sure == pytest.approx(probability)


@pytest.mark.parametrize(
    ("allowed", "spoken", "language", "probability"),
    [
        ((), "uk", "ru", 0.2),
        (("en", "ru"), "ru", "en", 0.2),
        (("en", "ru", "uk"), "uk", "ru", 0.2 / 0.95),
        (("en", "ru", "uk"), "en", "uk", 0.7 / 0.95),
        (("uk",), "uk", "uk", 0.0),
        (("yue", "zh"), "yue", "yue", 0.0),
    ],
)
def test_the_next_best_language_has_its_probability_among_all_that_are_allowed(
    allowed: tuple[str, ...], spoken: str, language: str, probability: float
) -> None:
    found, sure = next_best(HEARD, allowed, spoken)
    assert found == language
    assert sure == pytest.approx(probability)
