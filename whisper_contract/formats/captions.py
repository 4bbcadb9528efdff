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

from whisper_contract.formats._fields import channel_label, milliseconds
from whisper_contract.formats.form import Form
from whisper_contract.transcript import Segment, Transcript

# What readers take for the arrow between two times.
_ARROW = re.compile(r"-[ -]+>")


@dataclass(frozen=True)
class _Unit:
    """A word, with the blank before it if there is one; times in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class _Cue:
    """A caption: times in milliseconds, ``end`` after ``start``; at least one line."""

    start: int
    end: int
    lines: tuple[str, ...]
    channel: int | None


def render_srt(transcript: Transcript, form: Form) -> bytes:
    """Return SubRip captions; a channel's name stands before its text: ``ch_0: hello``."""
    blocks = (
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_labelled(cue)}\n"
        for number, cue in enumerate(_cues(transcript, form), start=1)
    )
    return "\n".join(blocks).encode()


def render_vtt(transcript: Transcript, form: Form) -> bytes:
    """Return WebVTT captions; a channel is a voice: ``<v ch_0>hello``."""
    blocks = (
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_voiced(cue)}\n"
        for cue in _cues(transcript, form)
    )
    return "\n".join(["WEBVTT\n", *blocks]).encode()


def _cues(transcript: Transcript, form: Form) -> list[_Cue]:
    """Return the captions in order of time, as WebVTT wants them where two channels overlap."""
    cues = (cue for segment in transcript.segments for cue in _cues_of(segment, form))
    return sorted(cues, key=lambda cue: cue.start)


def _cues_of(segment: Segment, form: Form) -> Iterator[_Cue]:
    groups = _groups(_units(segment), form) if _clean(segment.text) else []
    for position, lines in enumerate(groups):
        units = list(itertools.chain.from_iterable(lines))
        first = segment.start if position == 0 else units[0].start
        last = segment.end if position == len(groups) - 1 else units[-1].end
        start = milliseconds(first)
        texts = tuple(_line(line) for line in lines)
        # WebVTT wants the end after the start.
        yield _Cue(start, max(milliseconds(last), start + 1), texts, segment.channel)


def _units(segment: Segment) -> list[_Unit]:
    """Return the words of a segment with their times, as far as it has them."""
    words = [word for word in segment.words or () if _clean(word.word)]
    if _clean("".join(word.word for word in words)) == _clean(segment.text):
        return [_Unit(word.word, word.start, word.end) for word in words]
    # No time of its own: such words stay in one caption, see _groups.
    return [
        _Unit(f" {text}", segment.start, segment.start) for text in _clean(segment.text).split()
    ]


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
    lines: list[list[_Unit]] = []
    for unit in units:
        line = [*lines[-1], unit] if lines else [unit]
        if lines and len(_line(line)) <= width:
            lines[-1].append(unit)
        else:
            lines.append([unit])
    return lines


def _line(units: Iterable[_Unit]) -> str:
    return _clean("".join(unit.text for unit in units))


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
    return text if cue.channel is None else f"{channel_label(cue.channel)}: {text}"


def _voiced(cue: _Cue) -> str:
    text = "\n".join(cue.lines)
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped if cue.channel is None else f"<v {channel_label(cue.channel)}>{escaped}"
