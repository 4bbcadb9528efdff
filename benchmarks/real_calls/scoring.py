# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Score transcripts of composed calls: words, times, order of turns.

Segments and words may come from the endpoint, faster-whisper or a parsed answer; used are `start`,
`end`, `text` and `words` of a segment, `start`, `end` and `word` of a word. Functions take one
channel's segments, except `turns_out_of_order`.
"""

import itertools
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import jiwer
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import WordErrors, normalise, word_errors
from benchmarks.real_calls.compose import ComposedCall, PlacedPrompt
from benchmarks.real_calls.levels import FRAMES_PER_SECOND, runs

LONG_PAUSE_S: Final = 1.5
# A boundary this close to speech touches it: two frames of Whisper's timestamps plus the window of
# level measurement.
_TOUCH_S = 0.06
# Text further than this from all speech on its channel is invented.
_NEAR_S = 1.0
# This many consecutive correct words locate a text in the call.
_SURE = 3


class Heard(Protocol):
    """A transcript's segment; times in seconds from the start of the recording."""

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
    """Time errors of one channel's segments.

    Attributes
    ----------
    starts : tuple of float
        Per segment, seconds that it starts before (negative) or after its first word. The exact
        time is only known for a prompt's first word; other words begin within their prompt and not
        in silence.
    ends : tuple of float
        Per segment, seconds that it ends before (negative) or after its last word.
    spanning : int
        Number of segments with speech on both sides of a pause of over 1.5 s.
    """

    starts: tuple[float, ...]
    ends: tuple[float, ...]
    spanning: int

    def outside(self, start_s: float = 0.5, end_s: float = 0.8) -> int:
        """Count segments that start or end further than this from their words."""
        return sum(
            abs(start) > start_s or abs(end) > end_s
            for start, end in zip(self.starts, self.ends, strict=True)
        )


def text_errors(call: ComposedCall, channel: int, segments: Iterable[Heard]) -> WordErrors:
    """Count a channel's word errors, after Whisper's normaliser for its language.

    Accents are ignored: the texts of some prompts lack them.
    """
    heard = "".join(_apart(one.text) for one in segments)
    said, language = _unaccented(call.text(channel)), call.recipe.languages[channel]
    return word_errors(said, _unaccented(heard), language)


def time_errors(call: ComposedCall, channel: int, segments: Sequence[Heard]) -> TimeErrors:
    """Compare the times of a channel's segments with those of their words."""
    speech = call.speech[:, channel]
    edges = _edges(call, channel, [one.text for one in segments])
    pairs = list(zip(segments, edges, strict=True))
    starts = [_start_error(one.start, edge.first, speech) for one, edge in pairs]
    ends = [_end_error(one.end, edge.last, speech) for one, edge in pairs]
    spanning = sum(_spans_a_pause(one, speech) for one in segments)
    return TimeErrors(tuple(starts), tuple(ends), spanning)


def word_start_errors(
    call: ComposedCall, channel: int, segments: Sequence[Heard]
) -> tuple[float, ...]:
    """Return the start error in seconds of each correctly recognized word.

    Exact for a prompt's first word, otherwise as in `TimeErrors.starts`. Empty if the transcript
    has no words.
    """
    words = [word for one in segments for word in one.words or ()]
    edges = _edges(call, channel, [word.word for word in words])
    speech = call.speech[:, channel]
    return tuple(
        _start_error(word.start, edge.first, speech)
        for word, edge in zip(words, edges, strict=True)
        if edge.first
    )


def turns_out_of_order(call: ComposedCall, segments: Iterable[tuple[int, Heard]]) -> int:
    """Count adjacent segments whose order differs from the call's.

    Parameters
    ----------
    segments : iterable of (int, segment)
        (channel, segment) pairs of both channels, in the transcript's order.
    """
    given = list(segments)
    order: list[tuple[int, float]] = []
    for channel in range(call.samples.shape[1]):
        places = [place for place, (one, _) in enumerate(given) if one == channel]
        edges = _edges(call, channel, [given[place][1].text for place in places])
        order += [
            (place, edge.first.prompt.start)
            for place, edge in zip(places, edges, strict=True)
            if edge.first
        ]
    said = [start for _, start in sorted(order)]
    return sum(after < before for before, after in itertools.pairwise(said))


def speech_lost(call: ComposedCall, channel: int, spans: Iterable[tuple[float, float]]) -> float:
    """Return the share of a channel's speech that a detector missed, 0 to 1.

    Parameters
    ----------
    spans : iterable of (float, float)
        Start and end of detected speech, in seconds.
    """
    speech = call.speech[:, channel]
    return float((speech & ~_frames(spans, len(speech))).sum() / max(1, speech.sum()))


def false_speech(
    call: ComposedCall, channel: int, spans: Iterable[tuple[float, float]], margin_s: float = 0.5
) -> float:
    """Return the seconds of false detections, over `margin_s` from any speech."""
    near = _near(call.speech[:, channel], margin_s)
    return float((_frames(spans, len(near)) & ~near).sum() / FRAMES_PER_SECOND)


def invented(call: ComposedCall, channel: int, segments: Iterable[Heard]) -> list[Heard]:
    """Return segments with text, but without speech within a second."""
    near = _near(call.speech[:, channel], _NEAR_S)
    return [
        one
        for one in segments
        if one.text.strip() and not near[_index(one.start) : _index(one.end) + 1].any()
    ]


def compression_ratio(text: str) -> float:
    """Return Whisper's measure of repetition: size of the text over its compressed size."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) if encoded else 0.0


@dataclass(frozen=True)
class _SaidWord:
    """A reference word, its prompt, and whether it is first or last there, with known time."""

    word: str
    prompt: PlacedPrompt
    is_first: bool
    is_last: bool


class _Edges(NamedTuple):
    """The reference words that a text begins and ends with; None if not recognized."""

    first: _SaidWord | None
    last: _SaidWord | None


def _edges(call: ComposedCall, channel: int, texts: Sequence[str]) -> list[_Edges]:
    """Align texts, in order, with a channel's reference; return the edges of each."""
    language = call.recipe.languages[channel]
    said = list(_said(call, channel))
    heard = [
        (word, place)
        for place, text in enumerate(texts)
        for word in normalise(_unaccented(text), language).split()
    ]
    found: list[int | None] = [None] * len(heard)
    if said and heard:
        aligned = jiwer.process_words(
            " ".join(one.word for one in said), " ".join(word for word, _ in heard)
        )
        for chunk in aligned.alignments[0]:
            if chunk.type == "equal":
                length = chunk.ref_end_idx - chunk.ref_start_idx
                found[chunk.hyp_start_idx : chunk.hyp_start_idx + length] = range(
                    chunk.ref_start_idx, chunk.ref_end_idx
                )
    edges = [_Edges(None, None) for _ in texts]
    for place, group in itertools.groupby(range(len(heard)), key=lambda index: heard[index][1]):
        places = [found[index] for index in group]
        edges[place] = _Edges(_sure(places[:_SURE], said), _sure(places[-_SURE:], said, last=True))
    return edges


def _sure(
    places: Sequence[int | None], said: Sequence[_SaidWord], *, last: bool = False
) -> _SaidWord | None:
    """Return the first or last of some words if they are consecutive in a prompt.

    A single match may belong to another prompt: the alignment has to put it somewhere.
    """
    known = [place for place in places if place is not None]
    if len(known) < len(places) or known != list(range(known[0], known[0] + len(known))):
        return None
    words = [said[place] for place in known]
    if any(word.prompt is not words[0].prompt for word in words):
        return None
    return words[-1 if last else 0]


def _said(call: ComposedCall, channel: int) -> Iterator[_SaidWord]:
    language = call.recipe.languages[channel]
    for one in call.utterances:
        for prompt in one.prompts if one.channel == channel else ():
            words = normalise(_unaccented(prompt.text), language).split()
            for place, word in enumerate(words):
                yield _SaidWord(word, prompt, place == 0, place == len(words) - 1)


def _start_error(start: float, found: _SaidWord | None, speech: NDArray[np.bool_]) -> float:
    if found and found.is_first:
        return start - found.prompt.start
    if found and not found.prompt.start <= start <= found.prompt.end:
        edge = found.prompt.start if start < found.prompt.start else found.prompt.end
        return start - edge
    # By level: the silence between the boundary and the next speech.
    ahead = np.flatnonzero(speech[_index(start) :])
    silent = ahead[0] / FRAMES_PER_SECOND if len(ahead) else 0.0
    return -float(silent) if silent > _TOUCH_S else 0.0


def _end_error(end: float, found: _SaidWord | None, speech: NDArray[np.bool_]) -> float:
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


def _unaccented(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")


def _apart(text: str) -> str:
    """Prefix a segment's text with a space if it has none."""
    return text if text.startswith(" ") else f" {text}"
