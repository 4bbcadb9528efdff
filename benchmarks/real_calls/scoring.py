# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How well a transcript fits a composed call: its words, their times, the order of turns.

Segments and words may be the endpoint's, faster-whisper's or parsed from an answer: what is used is
`start`, `end`, `text` and `words` of a segment, `start`, `end` and `word` of a word. Each function
takes one channel's, but for `turns_out_of_order`.
"""

import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jiwer
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import WordErrors, normalise, word_errors
from benchmarks.real_calls.compose import ComposedCall, PlacedPrompt
from benchmarks.real_calls.levels import FRAMES_PER_SECOND, runs

LONG_PAUSE_S: Final = 1.5
# A boundary this close to speech touches it: two frames of Whisper's timestamps, and the window by
# which a level is measured.
_TOUCH_S = 0.06
# Text further than this from everything that is said on its channel was invented.
_NEAR_S = 1.0


class Heard(Protocol):
    """A segment of a transcript; times in seconds from the start of the recording."""

    @property
    def start(self) -> float: ...  # noqa: D102
    @property
    def end(self) -> float: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def words(self) -> Any: ...  # noqa: D102


@dataclass(frozen=True)
class TimeErrors:
    """Errors in the times of one channel's segments.

    Attributes
    ----------
    starts : tuple of float
        Of each segment: by how many seconds it starts before (negative) or after its first word.
        Where the word is the first of its prompt its time is known; of others it is known that
        they do not begin in silence, and not outside of their prompt.
    ends : tuple of float
        Of each segment: by how many seconds it ends before (negative) or after its last word.
    spanning : int
        Segments with speech on both sides of a pause of over 1.5 s.
    """

    starts: tuple[float, ...]
    ends: tuple[float, ...]
    spanning: int

    def outside(self, start_s: float = 0.5, end_s: float = 0.8) -> int:
        """Count the segments that start or end further than this from their words."""
        return sum(
            abs(start) > start_s or abs(end) > end_s
            for start, end in zip(self.starts, self.ends, strict=True)
        )


def text_errors(call: ComposedCall, channel: int, segments: Iterable[Heard]) -> WordErrors:
    """Count the word errors of a channel, by Whisper's normaliser for its language."""
    heard = "".join(_apart(one.text) for one in segments)
    return word_errors(call.text(channel), heard, call.recipe.languages[channel])


def time_errors(call: ComposedCall, channel: int, segments: Sequence[Heard]) -> TimeErrors:
    """Compare the times of a channel's segments with where their words were put."""
    speech = call.speech[:, channel]
    matched = _matched(call, channel, [one.text for one in segments])
    starts, ends = [], []
    for one, found in zip(segments, matched, strict=True):
        starts.append(_start_error(one.start, found[0] if found else None, speech))
        ends.append(_end_error(one.end, found[-1] if found else None, speech))
    spanning = sum(_spans_a_pause(one, speech) for one in segments)
    return TimeErrors(tuple(starts), tuple(ends), spanning)


def word_start_errors(
    call: ComposedCall, channel: int, segments: Sequence[Heard]
) -> tuple[float, ...]:
    """Return by how many seconds each word that was heard right starts early or late.

    Known exactly of a prompt's first word, else as in `TimeErrors.starts`. Empty where the
    transcript has no words.
    """
    words = [word for one in segments for word in one.words or ()]
    matched = _matched(call, channel, [word.word for word in words])
    speech = call.speech[:, channel]
    return tuple(
        _start_error(word.start, found[0], speech)
        for word, found in zip(words, matched, strict=True)
        if found
    )


def turns_out_of_order(call: ComposedCall, segments: Iterable[tuple[int, Heard]]) -> int:
    """Count the neighbours that come in another order than they were said.

    Parameters
    ----------
    segments : iterable of (int, segment)
        Of both channels, each with its channel, in the order of the transcript.
    """
    given = list(segments)
    order: list[tuple[int, float]] = []
    for channel in range(call.samples.shape[1]):
        places = [place for place, (one, _) in enumerate(given) if one == channel]
        matched = _matched(call, channel, [given[place][1].text for place in places])
        order += [
            (place, found[0].prompt.start)
            for place, found in zip(places, matched, strict=True)
            if found
        ]
    said = [start for _, start in sorted(order)]
    return sum(after < before for before, after in itertools.pairwise(said))


def speech_lost(call: ComposedCall, channel: int, spans: Iterable[tuple[float, float]]) -> float:
    """Return the share of a channel's seconds of speech that a detector left out, 0 to 1.

    Parameters
    ----------
    spans : iterable of (float, float)
        Seconds from and until which the detector heard speech.
    """
    speech = call.speech[:, channel]
    return float((speech & ~_frames(spans, len(speech))).sum() / max(1, speech.sum()))


def false_speech(
    call: ComposedCall, channel: int, spans: Iterable[tuple[float, float]], margin_s: float = 0.5
) -> float:
    """Return the seconds that a detector took for speech, over `margin_s` from all of it."""
    near = _near(call.speech[:, channel], margin_s)
    return float((_frames(spans, len(near)) & ~near).sum() / FRAMES_PER_SECOND)


def invented(call: ComposedCall, channel: int, segments: Iterable[Heard]) -> list[Heard]:
    """Return the segments with text in which nobody speaks, nor within a second of them."""
    near = _near(call.speech[:, channel], _NEAR_S)
    return [
        one
        for one in segments
        if one.text.strip() and not near[_index(one.start) : _index(one.end) + 1].any()
    ]


def compression_ratio(text: str) -> float:
    """Return Whisper's measure of repetition: bytes of a text over those it compresses to."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) if encoded else 0.0


@dataclass(frozen=True)
class _Match:
    """A word that was heard right: which prompt's, and whether it is its first or last."""

    prompt: PlacedPrompt
    is_first: bool
    is_last: bool


def _matched(call: ComposedCall, channel: int, texts: Sequence[str]) -> list[list[_Match]]:
    """Align texts, in order, with what is said on a channel; return each one's known edges.

    The first and last entries are those of a text's first and last word, if these were heard
    right; a text whose first or last word was not has no entry.
    """
    language = call.recipe.languages[channel]
    prompts = [
        prompt for one in call.utterances if one.channel == channel for prompt in one.prompts
    ]
    said = list(_said(prompts, language))
    heard = [
        (word, place)
        for place, text in enumerate(texts)
        for word in normalise(text, language).split()
    ]
    found: dict[int, _Match] = {}
    if said and heard:
        aligned = jiwer.process_words(
            " ".join(word for word, _ in said), " ".join(word for word, _ in heard)
        )
        for chunk in aligned.alignments[0]:
            if chunk.type == "equal":
                for step in range(chunk.ref_end_idx - chunk.ref_start_idx):
                    found[chunk.hyp_start_idx + step] = said[chunk.ref_start_idx + step][1]
    edges: list[list[_Match]] = [[] for _ in texts]
    for place, group in itertools.groupby(range(len(heard)), key=lambda index: heard[index][1]):
        indices = list(group)
        if indices[0] in found and indices[-1] in found:
            edges[place] = [found[indices[0]], found[indices[-1]]]
    return edges


def _said(prompts: Iterable[PlacedPrompt], language: str) -> Iterator[tuple[str, _Match]]:
    for prompt in prompts:
        words = normalise(prompt.text, language).split()
        for place, word in enumerate(words):
            yield word, _Match(prompt, place == 0, place == len(words) - 1)


def _start_error(start: float, found: _Match | None, speech: NDArray[np.bool_]) -> float:
    if found and found.is_first:
        return start - found.prompt.start
    if found and not found.prompt.start <= start <= found.prompt.end:
        edge = found.prompt.start if start < found.prompt.start else found.prompt.end
        return start - edge
    # By level: silence between the boundary and the next speech.
    ahead = np.flatnonzero(speech[_index(start) :])
    silent = ahead[0] / FRAMES_PER_SECOND if len(ahead) else 0.0
    return -float(silent) if silent > _TOUCH_S else 0.0


def _end_error(end: float, found: _Match | None, speech: NDArray[np.bool_]) -> float:
    if found and found.is_last:
        return end - found.prompt.end
    if found and not found.prompt.start <= end <= found.prompt.end:
        edge = found.prompt.start if end < found.prompt.start else found.prompt.end
        return end - edge
    behind = np.flatnonzero(speech[: _index(end)][::-1])
    silent = behind[0] / FRAMES_PER_SECOND if len(behind) else 0.0
    return float(silent) if silent > _TOUCH_S else 0.0


def _spans_a_pause(one: Heard, speech: NDArray[np.bool_]) -> bool:
    inside = speech[_index(one.start) : _index(one.end)]
    return any(
        start > 0 and end < len(inside) and (end - start) / FRAMES_PER_SECOND > LONG_PAUSE_S
        for start, end in runs(~inside)
    )


def _near(speech: NDArray[np.bool_], margin_s: float) -> NDArray[np.bool_]:
    spans = [
        (start / FRAMES_PER_SECOND - margin_s, end / FRAMES_PER_SECOND + margin_s)
        for start, end in runs(speech)
    ]
    return _frames(spans, len(speech))


def _frames(spans: Iterable[tuple[float, float]], length: int) -> NDArray[np.bool_]:
    frames = np.zeros(length, np.bool_)
    for start, end in spans:
        frames[_index(start) : _index(end)] = True
    return frames


def _index(seconds: float) -> int:
    return max(0, round(seconds * FRAMES_PER_SECOND))


def _apart(text: str) -> str:
    """Put a blank before a segment's text that has none."""
    return text if text.startswith(" ") else f" {text}"
