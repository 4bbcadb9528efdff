# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.endpoint.engine.waiting import job, said
from whisper_endpoint.transcript import Transcript, WindowResult


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
