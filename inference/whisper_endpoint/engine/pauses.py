# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Moves words to detected speech and cuts segments at pauses.

A window joins spans of a recording, and Whisper does not see the joints: its timestamps may lie on
either side of the silence that was left out, and its segments may reach across it. Alignment errs
in the same way next to a pause. Speech detection is more precise than either, so each word is
assigned to one stretch of speech, which gives its time in the recording.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from whisper_endpoint.messages import SAMPLE_RATE, Span, Window
from whisper_endpoint.transcript import Word

# A longer gap between words starts another segment: no caption should last through a pause of
# 1.5 s, and each edge is known to 0.1 s.
_PAUSE_S = 1.2
# The alignment is early by about this much (base and tiny.en on telephone speech): uncorrected, a
# word after a pause would be placed before it.
_AHEAD_S = 0.2
# A word that seems to last longer includes a pause, or speech the model left out, before it.
_LONGEST_S = 0.5
# The detector places the edges of speech late.
_MARGIN_S = 0.1
# Minimum duration of a word.
_SHORTEST_S = 0.1
# This much speech without text is decoded again; less may be one word, or a cough.
_UNTOLD_S = 2.0
# A word farther than this from any speech was missed by the detector.
_UNHEARD_S = 0.3
# A second half such as "-hmm" of "Mm-hmm", which stays with the first. Spelled letters and digits
# may be far apart and do not match.
_GOES_ON = re.compile(r"-[^\W\d_]{2}")


@dataclass(frozen=True)
class Stretch:
    """Speech without a pause; all but ``shift`` in seconds from the start of the window.

    Attributes
    ----------
    start, end : float
        Of the speech.
    first, last : float
        Start and end of the span that contains it.
    shift : float
        Seconds to add to get the time in the recording.
    """

    start: float
    end: float
    first: float
    last: float
    shift: float


def stretches(window: Window, speech: Sequence[Span]) -> list[Stretch]:
    """Return the speech in a window; a span without known speech counts as a whole.

    Parameters
    ----------
    speech : sequence of Span
        Of the recording, in order, each within one of the window's spans.
    """
    found, first = [], 0.0
    for span in window.spans:
        last = first + (span.end - span.start) / SAMPLE_RATE
        shift = span.start / SAMPLE_RATE - first
        heard = [one for one in speech if span.start <= one.start < span.end] or [span]
        found += [
            Stretch(
                one.start / SAMPLE_RATE - shift, one.end / SAMPLE_RATE - shift, first, last, shift
            )
            for one in heard
        ]
        first = last
    return found


def placed(
    words: Sequence[Word], heard: Sequence[Stretch], seek: float = 0.0, after: float = 0.0
) -> list[Word]:
    """Convert the times of words to times in the recording.

    Parameters
    ----------
    words : sequence of Word
        In order; times are seconds of the window, counted from ``seek``.
    heard : sequence of Stretch
        Of the window, in order, at least one.
    after : float
        Seconds of the recording at which the text before them ends.

    Returns
    -------
    list of Word
        Each within one span; they do not overlap.
    """
    result: list[Word] = []
    least, home = after, heard[0]
    for word in words:
        start, end = word.start + seek, word.end + seek
        if not (result and _GOES_ON.match(word.word)):
            home = _home(heard, start, end)
        if end - start < _SHORTEST_S:  # the alignment left it without duration
            start = end - _LONGEST_S
        start, end = _clipped(home, start, end)
        start = max(least, start + home.shift)
        least = max(start, end + home.shift)
        if result and start == least == result[-1].end:  # no time is left: share the last word's
            start = max((result[-1].start + least) / 2, least - _SHORTEST_S)
            result[-1] = replace(result[-1], end=start)
        result.append(replace(word, start=start, end=least))
    return result


def cut(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Split words at pauses; blank ones stay with the words before."""
    begin, last = 0, 0.0
    for place, word in enumerate(words):
        if not word.word.strip():
            continue
        if place > begin and word.start - last > _PAUSE_S:
            yield words[begin:place]
            begin = place
        last = word.end
    if words:
        yield words[begin:]


def untold(
    window: Window, speech: Sequence[Span], end: float, until: float = float("inf")
) -> float | None:
    """Return where speech continues after a text: the model may stop before the audio ends.

    Parameters
    ----------
    speech : sequence of Span
        Of the recording, in order, each within one of the window's spans.
    end : float
        Seconds of the recording at which the text ends.
    until : float, optional
        Seconds of the recording at which further text begins.

    Returns
    -------
    float or None
        Seconds of the window; None where less than 2 s of speech are left.
    """
    begin = round((end + _UNHEARD_S) * SAMPLE_RATE)
    last = (until - _UNHEARD_S) * SAMPLE_RATE
    first, rest = 0, []
    for span in window.spans:
        for one in speech:
            start, stop = max(one.start, begin), min(one.end, last)
            if span.start <= one.start < span.end and start < stop:
                rest.append((first + start - span.start, stop - start))
        first += span.end - span.start
    if sum(length for _, length in rest) < _UNTOLD_S * SAMPLE_RATE:
        return None
    return rest[0][0] / SAMPLE_RATE


def _home(heard: Sequence[Stretch], start: float, end: float) -> Stretch:
    """Return the stretch that contains a word's end, or else its beginning."""
    # The last word before a pause may have taken the pause as well.
    for first, last in ((max(start, end - _LONGEST_S), end), (start, min(end, start + _LONGEST_S))):
        home, near = _nearest(heard, first, last)
        if near > -_UNHEARD_S:
            return home
    middle = (start + end) / 2 + _AHEAD_S
    span = next((one for one in heard if middle < one.last), heard[-1])
    return replace(span, start=span.first, end=span.last)


def _nearest(heard: Sequence[Stretch], start: float, end: float) -> tuple[Stretch, float]:
    """Return the stretch with the largest overlap (of equals, the later) and the overlap in s."""

    def common(one: Stretch, ahead: float = _AHEAD_S) -> float:
        return min(end + ahead, one.end) - max(start + ahead, one.start)

    home = max(heard, key=lambda one: (common(one), one.start))
    if common(home) <= 0:  # try without the correction
        home = max(heard, key=lambda one: (common(one, 0.0), common(one)))
    return home, max(common(home), common(home, 0.0))


def _clipped(home: Stretch, start: float, end: float) -> tuple[float, float]:
    low = max(home.first, home.start - _MARGIN_S)
    high = min(home.last, home.end + _MARGIN_S)
    close = min(max(end, low + _SHORTEST_S), high)
    return max(home.first, min(max(start, low), close - _SHORTEST_S)), close
