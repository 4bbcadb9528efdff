# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.endpoint.engine.waiting import job, said
from whisper_endpoint.transcript import Transcript, WindowResult, join


def test_results_come_together_in_order_and_language_is_kept() -> None:
    one = job(3, language=None)
    one.detected("es", 0.75)
    one.detected("fr", 0.99)
    one.add(0, said(" a", "es"))
    one.add(2, said(" c", "es"))
    assert not one.is_over
    assert one.language == "es"
    one.add(1, said(" b", "es"))
    answer = one.future.result(timeout=0)
    assert isinstance(answer, Transcript)
    assert (answer.text, answer.language) == ("a b c", "es")
    assert answer.language_probability == 0.75
    assert [segment.id for segment in answer.segments] == [1, 2, 3]


def test_where_each_window_has_its_language_the_answer_has_the_one_with_the_most_speech() -> None:
    one = job(3, language=None, multilingual=True)
    one.detected("es", 0.75)  # whichever window is decoded first
    one.detected("en", 0.5)
    one.detected("en", 0.9)
    one.add(1, said(" hola", "es"))
    one.add(2, said(" well", "en"))
    one.add(0, said(" yes", "en"))
    answer = one.future.result(timeout=0)
    assert isinstance(answer, Transcript)
    assert (answer.language, answer.language_probability) == ("en", 0.9)


def test_pieces_have_the_language_with_the_most_speech() -> None:
    (segment,) = said(" a").segments
    short, long = replace(segment, start=0, end=2), replace(segment, start=2, end=5)
    parts = [
        Transcript("", ()),
        Transcript("es", (short,), language_probability=0.8),
        Transcript("en", (long,), language_probability=0.7),
        Transcript("en", (), language_probability=0.6),
    ]
    joined = join(parts)
    assert (joined.language, joined.language_probability) == ("en", 0.7)
    assert [one.end for one in joined.segments] == [2, 5]
    assert join([parts[0], replace(parts[1], segments=())]).language == "es"


def test_a_job_of_no_windows_is_over_at_once() -> None:
    assert job(0).future.result(timeout=0) == Transcript("en", ())
    assert job(0, language=None).future.result(timeout=0) == Transcript(
        "", (), language_probability=0.0
    )


@pytest.mark.parametrize(
    "doubt", [{"temperature": 0.6}, {"avg_logprob": -1.2}, {"compression_ratio": 2.5}]
)
def test_a_text_that_passed_no_gate_is_no_context(doubt: dict[str, Any]) -> None:
    (segment,) = said(" b").segments
    one = job(4)
    one.add(0, said(" a"))
    assert one.tokens_before(1) == (1,)
    one.add(1, WindowResult("en", (replace(segment, **doubt),)))
    assert one.tokens_before(2) == ()
    one.add(2, said(" c"))
    assert one.tokens_before(3) == (1,)
