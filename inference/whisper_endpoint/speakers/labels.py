# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Labels words with speakers, and cuts segments where the speaker changes."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from whisper_contract.text import together
from whisper_contract.transcript import readable
from whisper_endpoint.speakers import known_voices
from whisper_endpoint.speakers.turns import Diarization
from whisper_endpoint.speakers.word_speakers import WordSpeakers
from whisper_endpoint.transcript import Segment, Transcript, Word, renumbered


def label(
    channels: Sequence[Transcript], found: Sequence[Diarization], names: Sequence[str] = ()
) -> list[Transcript]:
    """Label every word and segment with its speaker, numbered in the order of first appearance.

    Parameters
    ----------
    channels : sequence of Transcript
        With word times.
    found : sequence of Diarization
        One for each channel; without turns, everything is one person's.
    names : sequence of str
        Of the known voices that the speakers were compared with; each is at most one speaker's.

    Returns
    -------
    list of Transcript
        Speakers are numbered across channels: no two channels share a speaker.
    """
    parts = [
        list(_labelled(one.segments, WordSpeakers(turns)))
        for one, turns in zip(channels, found, strict=True)
    ]
    said = [(channel, part) for channel, those in enumerate(parts) for part in those]
    numbers: dict[tuple[int, int | None], int] = {}
    for channel, part in sorted(said, key=lambda one: one[1].start):
        numbers.setdefault((channel, part.speaker), len(numbers))
    alike: dict[tuple[int, int | None], Sequence[float]] = {
        (channel, speaker): found[channel].alike[speaker]
        for channel, speaker in numbers
        if speaker is not None and found[channel].alike
    }
    known = known_voices.named(alike, names)
    return [
        replace(
            one,
            segments=renumbered(
                _as(part, numbers[channel, part.speaker], known.get((channel, part.speaker)))
                for part in those
            ),
            speakers=len(numbers),
        )
        for channel, (one, those) in enumerate(zip(channels, parts, strict=True))
    ]


def _labelled(segments: Sequence[Segment], speakers: WordSpeakers) -> Iterator[Segment]:
    """Cut segments where their speaker changes."""
    said = [word for one in segments for word in readable(_words(one))]
    remaining = iter(speakers.of_words(said))
    for segment in segments:
        words = _words(segment)
        labelled: list[Word] = []
        # Tokens that form one word for a reader get one speaker.
        for part in together([word.word for word in words]):
            speaker = next(remaining)
            labelled += [replace(word, speaker=speaker) for word in words[part]]
        if labelled:
            yield from _cut(segment, labelled)
        else:
            yield _as(segment, speakers.of_span(segment.start, segment.end))


def _words(segment: Segment) -> tuple[Word, ...]:
    """Return a segment's words; none if they do not add up to its text."""
    words = segment.words or ()
    return words if "".join(word.word for word in words) == segment.text else ()


def _cut(segment: Segment, words: Sequence[Word]) -> Iterator[Segment]:
    runs = [tuple(run) for _, run in itertools.groupby(words, key=lambda word: word.speaker)]
    for place, run in enumerate(runs):
        yield replace(
            segment,
            start=segment.start if place == 0 else run[0].start,
            end=segment.end if place == len(runs) - 1 else run[-1].end,
            text="".join(word.word for word in run),
            tokens=segment.tokens if len(runs) == 1 else (),
            words=run,
            speaker=run[0].speaker,
        )


def _as(segment: Segment, speaker: int, name: str | None = None) -> Segment:
    words = segment.words and tuple(
        replace(word, speaker=speaker, speaker_name=name) for word in segment.words
    )
    return replace(segment, speaker=speaker, speaker_name=name, words=words)
