# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Combines the results of windows, pieces and channels into one transcript."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from whisper_contract.transcript import Segment, Transcript, Word

__all__ = [
    "Segment",
    "Transcript",
    "WindowResult",
    "Word",
    "assemble",
    "join",
    "merge_channels",
    "most_spoken",
    "renumbered",
]


@dataclass(frozen=True)
class WindowResult:
    """The engine's result for one window, in the given or detected language."""

    language: str
    segments: tuple[Segment, ...]


def assemble(
    language: str, results: Iterable[WindowResult], language_probability: float = 1.0
) -> Transcript:
    """Combine the results of a recording's windows, given in order."""
    segments = (segment for result in results for segment in result.segments)
    return Transcript(language, renumbered(segments), language_probability=language_probability)


def join(parts: Sequence[Transcript]) -> Transcript:
    """Combine the transcripts of a recording's pieces, given in order.

    Language and its probability are those of the first piece in the language with the most speech.
    """
    language = most_spoken((part.language, part.segments) for part in parts)
    speaking = next(part for part in parts if part.language == language)
    segments = (segment for part in parts for segment in part.segments)
    return replace(speaking, segments=renumbered(segments), warnings=_warnings(parts))


def most_spoken(parts: Iterable[tuple[str, Iterable[Segment]]]) -> str:
    """Return the language with the most seconds of segments; of equal ones the first, if any."""
    seconds: dict[str, float] = {}
    for language, segments in parts:
        spoken = sum(segment.end - segment.start for segment in segments)
        seconds[language] = seconds.get(language, 0.0) + spoken
    return max(seconds, key=lambda language: (seconds[language], bool(language)))


def merge_channels(channels: Sequence[Transcript]) -> Transcript:
    """Combine the transcripts of a recording's channels, given in order.

    Segments get their channel and are sorted by start, then channel. Language and its probability
    are those of the first channel with speech.
    """
    speaking = next((one for one in channels if one.segments), channels[0])
    segments = sorted(
        (
            replace(segment, channel=number)
            for number, one in enumerate(channels)
            for segment in one.segments
        ),
        key=lambda segment: segment.start,
    )
    return replace(
        speaking,
        segments=renumbered(segments),
        duration=max(one.duration for one in channels),
        channels=len(channels),
        warnings=_warnings(channels),
    )


def _warnings(parts: Iterable[Transcript]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(warning for one in parts for warning in one.warnings))


def renumbered(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return segments with their positions, from 1, as ids."""
    return tuple(replace(segment, id=number) for number, segment in enumerate(segments, start=1))
