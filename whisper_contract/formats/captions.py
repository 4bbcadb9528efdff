# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Captions: SubRip (SRT) and WebVTT.

SubRip has no specification; this is what its readers agree on: numbers from 1, a comma before the
milliseconds, hours always, a blank line between captions. WebVTT is https://www.w3.org/TR/webvtt1/.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from whisper_contract.formats._fields import heading, milliseconds
from whisper_contract.formats.form import Form
from whisper_contract.text import ends_clause, ends_sentence, pieces
from whisper_contract.transcript import Segment, Transcript, Word

# What parsers take for the arrow between two times.
_ARROW = re.compile(r"-[ -]+>")
# Unicode's zero width joiner: no line is broken at it.
_JOINER = "\u200d"
# A word that is longer than a line is broken here: names and addresses that are spelled.
_AFTER_HYPHEN = re.compile(r"(?<=\w-)(?=\w)")
_INNER_BLANK = re.compile(r"(?<=\S)\s+(?=\S)")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class _Unit:
    """A piece of text that is never broken, with the space before it if any; times in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class _Cue:
    """A caption: times in milliseconds, ``end`` after ``start``; at least one line."""

    start: int
    end: int
    lines: tuple[str, ...]
    heading: str | None


def render_srt(transcript: Transcript, form: Form) -> bytes:
    """Return SubRip captions; texts are prefixed with their speaker: ``SPEAKER_00: hello``."""
    blocks = (
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_labelled(cue)}\n"
        for number, cue in enumerate(_cues(transcript, form), start=1)
    )
    return "\n".join(blocks).encode()


def render_vtt(transcript: Transcript, form: Form) -> bytes:
    """Return WebVTT captions; speakers, or else channels, are voices: ``<v SPEAKER_00>hello``."""
    blocks = (
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_voiced(cue)}\n"
        for cue in _cues(transcript, form)
    )
    return "\n".join(["WEBVTT\n", *blocks]).encode()


def _cues(transcript: Transcript, form: Form) -> list[_Cue]:
    """Return the captions sorted by start, which WebVTT requires even if channels overlap."""
    cues = (cue for segment in transcript.segments for cue in _cues_of(segment, form))
    return sorted(cues, key=lambda cue: cue.start)


def _cues_of(segment: Segment, form: Form) -> Iterator[_Cue]:
    groups = _groups(_units(segment, form.max_line_width), form) if _clean(segment.text) else []
    for position, lines in enumerate(groups):
        units = list(itertools.chain.from_iterable(lines))
        first = segment.start if position == 0 else units[0].start
        last = segment.end if position == len(groups) - 1 else units[-1].end
        start = milliseconds(first)
        texts = tuple(_line(line) for line in lines)
        # WebVTT requires the end to be after the start.
        yield _Cue(start, max(milliseconds(last), start + 1), texts, heading(segment))


def _units(segment: Segment, width: int | None) -> list[_Unit]:
    """Return the units of which a segment's lines are made, with word times if it has them.

    In scripts without spaces, Whisper's words are no real words and may be broken; each part gets
    its share of the time.
    """
    words = [word for word in segment.words or () if _clean(word.word)]
    text = _CONTROL.sub(" ", "".join(word.word for word in words))
    if _clean(text) != _clean(segment.text):
        # Without times: such words stay in one caption, see _groups.
        untimed = _fitting(_clean(segment.text), width)
        return [_Unit(one, segment.start, segment.start) for one in untimed]
    times = list(itertools.chain.from_iterable(_times_of_characters(word) for word in words))
    # One of Whisper's words that contains spaces is not broken there.
    solid = "".join(_INNER_BLANK.sub(_solid, _CONTROL.sub(" ", word.word)) for word in words)
    units, end = [], 0
    for one in _fitting(solid, width):
        begin, end = end, end + len(one)
        heard = [times[place] for place in range(begin, end) if not text[place].isspace()]
        units.append(_Unit(text[begin:end], heard[0][0], heard[-1][1]))
    return units


def _fitting(text: str, width: int | None) -> Iterator[str]:
    """Yield a text's pieces, with those longer than a line split after hyphens."""
    for piece in pieces(text):
        is_long = width is not None and len(piece.strip()) > width
        yield from _AFTER_HYPHEN.split(piece) if is_long else [piece]


def _solid(blanks: re.Match[str]) -> str:
    return _JOINER * len(blanks[0])


def _times_of_characters(word: Word) -> list[tuple[float, float]]:
    """Return each character's share of the word's time; surrounding spaces have none."""
    shown = _CONTROL.sub(" ", word.word)
    first, last = len(shown) - len(shown.lstrip()), len(shown.rstrip())
    share = (word.end - word.start) / (last - first)
    edges = [
        word.start + share * min(max(place - first, 0), last - first)
        for place in range(len(shown) + 1)
    ]
    edges[last:] = [word.end] * (len(shown) + 1 - last)
    return list(itertools.pairwise(edges))


def _groups(units: Sequence[_Unit], form: Form) -> list[list[list[_Unit]]]:
    """Return the captions of a segment: lines of words."""
    lines = _lines(units, form.max_line_width)
    is_timed = any(unit.end > unit.start for unit in units)
    if form.max_line_count is None or not is_timed:
        return [lines]
    return [list(group) for group in _batched(lines, form.max_line_count)]


def _lines(units: Iterable[_Unit], width: int | None) -> list[list[_Unit]]:
    """Break words into lines; one that is longer than a line has a line of its own."""
    if width is None:
        return [list(units)]
    lines: list[list[_Unit]] = [[]]
    for unit in units:
        while lines[-1] and len(_line([*lines[-1], unit])) > width:
            line = lines.pop()
            kept = _kept(line, width)
            lines += [line[:kept], line[kept:]]
        lines[-1].append(unit)
    return lines


def _line(units: Iterable[_Unit]) -> str:
    return _clean("".join(unit.text for unit in units))


def _kept(line: Sequence[_Unit], width: int) -> int:
    """Return the number of units that a full line keeps.

    It ends with a sentence, or else with a clause, where one ends in its second half.
    """
    texts = [_line(line[:count]) for count in range(1, len(line) + 1)]
    for is_end in (ends_sentence, ends_clause):
        for count in range(len(line), 0, -1):
            if 2 * len(texts[count - 1]) >= width and is_end(texts[count - 1]):
                return count
    return len(line)


def _batched(lines: Sequence[list[_Unit]], count: int) -> Iterator[Sequence[list[_Unit]]]:
    for begin in range(0, len(lines), count):
        yield lines[begin : begin + count]


def _clean(text: str) -> str:
    """Return text that can stand in a caption: one line, no control characters, no arrow."""
    printable = (" " if unicodedata.category(char) == "Cc" else char for char in text)
    return _ARROW.sub("->", " ".join("".join(printable).split()))


def _time(total: int, mark: str) -> str:
    whole, thousandths = divmod(total, 1000)
    minutes, seconds = divmod(whole, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{mark}{thousandths:03d}"


def _labelled(cue: _Cue) -> str:
    text = "\n".join(cue.lines)
    return text if cue.heading is None else f"{cue.heading}: {text}"


def _voiced(cue: _Cue) -> str:
    text = "\n".join(cue.lines)
    return _escaped(text) if cue.heading is None else f"<v {_escaped(cue.heading)}>{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
