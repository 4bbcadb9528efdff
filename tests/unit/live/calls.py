# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Calls of lines whose words can be read off, and what must hold of their events."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from hypothesis import Phase, settings
from hypothesis import strategies as st

from live_whisper.call import CallTranscriber, InlineExecutor
from tests.unit.live.spoken import RATE, Reader, said
from whisper_stream.events import CallEnded, TranscriptResult
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from live_whisper.call import Executor
    from whisper_stream.audio.samples import Samples
    from whisper_stream.events import Event

TURNS = st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(1, 75)), min_size=1, max_size=2)
SEEDS = st.integers(0, 2**32).map(random.Random)
FEW = settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""Examples are whole calls: shrinking one takes minutes."""


def begin(reader: Reader, executor: Executor | None = None, **more: Any) -> CallTranscriber:
    how = CallSettings(sample_rate=RATE, **more)
    return CallTranscriber(reader, how, executor=executor or InlineExecutor())


def frames(call: Samples, sizes: Iterable[int] = ()) -> Iterator[bytes]:
    at, sizes = 0, iter(sizes)
    while at < len(call):
        size = next(sizes, 1600)
        yield call[at : at + size].astype("<i2").tobytes()
        at += size


def texts(events: Iterable[Event], channel: int) -> list[str]:
    """The finals of a channel in the order of the call."""
    finals = [
        event
        for event in events
        if isinstance(event, TranscriptResult) and event.channel == channel
        if not event.is_partial
    ]
    return [word.text for one in sorted(finals, key=lambda one: one.start) for word in one.words]


def spoken(call: Samples, channel: int) -> list[str]:
    return [word.text for word in said(call[:, channel])]


def finals_in_order(events: Iterable[Event]) -> None:
    begun: dict[int, float] = {}
    for event in events:
        if isinstance(event, TranscriptResult) and not event.is_partial:
            assert event.start >= begun.get(event.channel, 0.0)
            begun[event.channel] = event.start


def no_more_after_final(events: list[Event]) -> None:
    ended: set[str] = set()
    for event in events:
        if isinstance(event, TranscriptResult):
            assert event.result_id not in ended
            if not event.is_partial:
                ended.add(event.result_id)


def adds_up(events: list[Event]) -> None:
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    counts = ended.counts
    assert counts.utterances == counts.finals + counts.finals_lost
    assert counts.partials_asked == (
        counts.partials_shown
        + counts.partials_superseded
        + counts.partials_dropped
        + counts.partials_late
    )
