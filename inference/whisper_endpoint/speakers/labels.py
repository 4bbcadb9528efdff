# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Words get their speakers, and segments end where the speaker changes."""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from whisper_contract.text import together
from whisper_endpoint.speakers.turns import Turn
from whisper_endpoint.transcript import Segment, Transcript, Word, renumbered


def label(channels: Sequence[Transcript], turns: Sequence[Sequence[Turn]]) -> list[Transcript]:
    """Give every word and segment its speaker, numbered in the order of their first words.

    Parameters
    ----------
    channels : sequence of Transcript
        With the times of their words.
    turns : sequence of sequence of Turn
        Of each channel, in order of time, no two at the same time; where there are none, one
        person says it all.

    Returns
    -------
    list of Transcript
        Speakers are numbered over all channels: no two of them share one.
    """
    parts = [
        [part for segment in one.segments for part in _parts(segment, _Turns(spoken))]
        for one, spoken in zip(channels, turns, strict=True)
    ]
    said = [(channel, part) for channel, those in enumerate(parts) for part in those]
    numbers: dict[tuple[int, int | None], int] = {}
    for channel, part in sorted(said, key=lambda one: one[1].start):
        numbers.setdefault((channel, part.speaker), len(numbers))
    return [
        replace(
            one,
            segments=renumbered(_as(part, numbers[channel, part.speaker]) for part in those),
            speakers=len(numbers),
        )
        for channel, (one, those) in enumerate(zip(channels, parts, strict=True))
    ]


class _Turns:
    """Turns of one channel, to be asked who speaks."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._ends = [turn.end for turn in turns]

    def speaker(self, start: float, end: float) -> int:
        """Return who speaks for most of a time, or else next to it."""
        place = bisect.bisect_left(self._ends, start)
        best, most = 0, float("-inf")
        for turn in self._turns[max(0, place - 1) :]:
            # Less than nothing in common is how far a turn is away.
            common = min(end, turn.end) - max(start, turn.start)
            if common > most:
                best, most = turn.speaker, common
            if turn.start > end:
                break
        return best


def _parts(segment: Segment, turns: _Turns) -> Iterator[Segment]:
    """Cut a segment where its speaker changes."""
    words = list(_spoken(segment.words or (), turns))
    if not words or "".join(word.word for word in words) != segment.text:
        # No place of its text is known to be a word's.
        yield _as(segment, turns.speaker(segment.start, segment.end))
        return
    runs = [list(run) for _, run in itertools.groupby(words, key=lambda word: word.speaker)]
    for place, run in enumerate(runs):
        yield replace(
            segment,
            start=segment.start if place == 0 else run[0].start,
            end=segment.end if place == len(runs) - 1 else run[-1].end,
            text="".join(word.word for word in run),
            tokens=segment.tokens if len(runs) == 1 else (),
            words=tuple(run),
            speaker=run[0].speaker,
        )


def _spoken(words: Sequence[Word], turns: _Turns) -> Iterator[Word]:
    """Yield words with their speakers; what is one word to a reader has one."""
    for part in together([word.word for word in words]):
        one = words[part]
        speaker = turns.speaker(one[0].start, one[-1].end)
        yield from (replace(word, speaker=speaker) for word in one)


def _as(segment: Segment, speaker: int) -> Segment:
    words = segment.words and tuple(replace(word, speaker=speaker) for word in segment.words)
    return replace(segment, speaker=speaker, words=words)
