# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.endpoint.engine.attempts.test_fallback import GIVEN, task
from whisper_endpoint.engine.attempts import fallback
from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.attempts.generation import generate
from whisper_endpoint.messages import Parameters

LOOP = ("hold " * 40, -0.1)


class Tokenizer:
    """One token for each character."""

    sot_sequence = (1_000_000,)
    timestamp_begin = 2_000_000

    @staticmethod
    def decode(tokens: list[int]) -> str:
        return "".join(map(chr, tokens))


class Model:
    """Answers with given texts and mean log probabilities, the most probable first."""

    def __init__(self, *texts: tuple[str, float]) -> None:
        self._texts = texts
        self.asked: dict[str, Any] = {}

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        del encoded, prompts
        self.asked = options
        texts = self._texts[: options["num_hypotheses"]]
        return [
            SimpleNamespace(
                sequences_ids=[[*map(ord, text)] for text, _ in texts],
                scores=[score for _, score in texts],
                no_speech_prob=0.1,
            )
        ]


def heard(*texts: tuple[str, float], given: Parameters = GIVEN, number: int = 0) -> Attempt:
    one = replace(task(given=given), search=fallback.search(given, number))
    (attempt,) = generate(Model(*texts), None, [one], [Tokenizer()], [])
    return attempt


@pytest.mark.parametrize("number", [0, 1])
def test_where_the_most_probable_text_is_a_loop_the_next_that_is_none_counts(number: int) -> None:
    assert heard(("hi there", -0.2), ("hold", -0.3), number=number).text == "hi there"
    attempt = heard(
        LOOP, ("hold " * 30, -0.2), ("hold hold hold", -0.3), ("hold", -0.9), number=number
    )
    assert attempt.text == "hold"
    # The score is that of the text, over its tokens and the end token.
    assert attempt.avg_logprob == pytest.approx(-0.9 * 4 / 5)


def test_a_loop_stays_where_all_texts_are_loops_or_loops_are_allowed() -> None:
    assert heard(LOOP, ("hold hold hold", -0.3), (" ", -0.4)).text == LOOP[0].strip()
    any_text = replace(GIVEN, compression_ratio_threshold=None)
    assert heard(LOOP, ("hold", -0.3), given=any_text).text == LOOP[0].strip()


@pytest.mark.parametrize(
    ("beam", "patience", "texts"),
    [(5, 1.0, 5), (1, 1.0, 1), (5, 0.4, 2), (3, 2.0, 3), (2, 1e-9, 1)],
)
def test_no_more_texts_are_asked_for_than_beam_search_ends(
    beam: int, patience: float, texts: int
) -> None:
    given = replace(GIVEN, beam_size=beam, patience=patience)
    model = Model(("hello", -0.1))
    one = replace(task(given=given), search=fallback.search(given, 0))
    generate(model, None, [one], [Tokenizer()], [])
    assert model.asked["num_hypotheses"] == texts
