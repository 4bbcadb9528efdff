# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A channel's checkpoint comes back from whoever kept it: what no channel gave is refused."""

from typing import Any

import pytest

from whisper_stream.checkpoint import ChannelCheckpoint

PENDING = {"result_id": "a", "start": 100, "end": 900, "seam": None, "next_seam": 800}
WORD = {"text": "yes", "start": 0.5, "end": 1, "confidence": 0.9, "is_stable": True, "before": " "}
ROW: dict[str, Any] = {
    "heard_until": 100,
    "listen_from": 1_000,
    "pending": [PENDING, {**PENDING, "start": 1_000, "end": None}],
    "kept": [[[None, "left"], [WORD]], [[800, "right"], []]],
    "evidence": {"en": 1, "es": 0.5},
}
WRONG: dict[str, dict[str, Any]] = {
    "a place as text": {"heard_until": "x"},
    "a place between samples": {"listen_from": 1_000.5},
    "a place before the call": {"heard_until": -1},
    "nothing": {"listen_from": None},
    # The buffer would begin after what the tracker still waits for, and keep all that comes.
    "heard beyond where it listens": {"heard_until": 10**12, "pending": []},
    "an utterance that was forgotten": {"pending": [{**PENDING, "start": 99}]},
    "an utterance that ends before it begins": {"pending": [{**PENDING, "end": 99}]},
    "an end as text": {"pending": [{**PENDING, "end": "x"}]},
    "an id that is a number": {"pending": [{**PENDING, "result_id": 5}]},
    "a seam that is a list": {"kept": [[[[], "left"], []]]},
    "a word that is a number": {"kept": [[[1, "left"], [{**WORD, "text": 5}]]]},
    "evidence as text": {"evidence": {"en": "x"}},
}


def test_what_a_channel_gave_comes_back() -> None:
    found = ChannelCheckpoint.from_row(ROW)
    assert ChannelCheckpoint.from_row(found.to_row()) == found
    assert (found.heard_until, found.pending[1].end, found.kept[0][1][0].text) == (100, None, "yes")


@pytest.mark.parametrize("case", WRONG)
def test_what_no_channel_gave_is_refused(case: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        ChannelCheckpoint.from_row({**ROW, **WRONG[case]})
