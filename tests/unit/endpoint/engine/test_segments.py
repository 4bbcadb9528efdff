# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_endpoint.engine.segments import TokenSpan, split

ZERO = 1000


def at(seconds: float) -> int:
    return ZERO + round(seconds / 0.02)


@pytest.mark.parametrize(
    ("tokens", "spans", "advance"),
    [
        ([], [(0, 5, [])], 500),
        ([1, 2], [(0, 5, [1, 2])], 500),
        ([at(0), 1, 2], [(0, 5, [at(0), 1, 2])], 500),
        ([at(0), 1, at(2)], [(0, 2, [at(0), 1, at(2)])], 500),
        (
            [at(0), 1, at(2), at(2.4), 2, at(4)],
            [(0, 2, [at(0), 1, at(2)]), (2.4, 4, [at(2.4), 2, at(4)])],
            500,
        ),
        ([at(0), 1, at(2), at(2.4), 2], [(0, 2, [at(0), 1, at(2)])], 200),
        (
            [at(0), 1, at(4.1), at(4.2), 2],
            [(0, 4.1, [at(0), 1, at(4.1)]), (4.2, 5, [at(4.2), 2])],
            500,
        ),
        ([at(0), 1, at(4), at(4)], [(0, 4, [at(0), 1, at(4)])], 400),
        ([at(0), 1, at(4.1), at(4.1)], [(0, 4.1, [at(0), 1, at(4.1)])], 500),
        ([at(0), 1, at(2), at(2)], [(0, 2, [at(0), 1, at(2)])], 200),
        ([at(0), 1, at(29), at(29)], [(0, 29, [at(0), 1, at(29)])], 500),
        ([at(0), at(0), 1], [(0, 5, [at(0), at(0), 1])], 500),
    ],
)
def test_segments_end_where_timestamps_meet(
    tokens: list[int], spans: list[tuple[float, float, list[int]]], advance: int
) -> None:
    about: Any = pytest.approx
    expected = [TokenSpan(about(start), about(end), tuple(part)) for start, end, part in spans]
    assert split(tokens, ZERO, 500) == (expected, advance)


@given(st.lists(st.one_of(st.integers(0, 20), st.integers(ZERO, at(30)))), st.integers(1, 3000))
def test_decoding_always_goes_on(tokens: list[int], frames: int) -> None:
    spans, advance = split(tokens, ZERO, frames)
    assert 1 <= advance <= frames
    joined = [token for span in spans for token in span.tokens]
    assert joined == tokens[: len(joined)]
    assert len(joined) == len(tokens) or tokens[len(joined) - 1] > ZERO
