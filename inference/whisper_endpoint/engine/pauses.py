# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Words are put where somebody speaks, and segments are cut at pauses.

A window joins spans of a recording, and Whisper sees no border between them: its timestamps lie on
either side of what was left out, and its segments reach across. The alignment of a word is off by
as much where it meets a pause, long or short. Where speech was heard is known better than either,
so each word goes to one stretch of speech, and its time in the recording follows.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from whisper_endpoint.messages import SAMPLE_RATE, Span, Window
from whisper_endpoint.transcript import Word

# A word that comes longer after the one before begins another segment: no caption is to last
# through a pause of 1.5 s, and both edges are known to a tenth.
_PAUSE_S = 1.2
# The alignment is ahead of the sound by about this much (base and tiny.en on telephone speech): a
# word at a pause would be taken for the last one before it.
_AHEAD_S = 0.2
# A word that seems to last longer has taken a pause, or what the model left out, before it.
_LONGEST_S = 0.5
# The detector hears the edges of speech late.
_MARGIN_S = 0.1
# What is left of a word at least.
_SHORTEST_S = 0.1
# So much speech without a text is decoded again: less is a word's time, or a cough.
_UNTOLD_S = 2.0
# A word that is farther from all speech is one that the detector did not hear.
_UNHEARD_S = 0.3
# Of "Mm-hmm" the model's second word, which is said in one breath with the first; letters that are
# spelled, and digits, may be far apart.
_GOES_ON = re.compile(r"-[^\W\d_]{2}")


@dataclass(frozen=True)
class Stretch:
    """Where somebody speaks without a pause; all but ``shift`` in seconds of the window.

    Attributes
    ----------
    start, end : float
        Of the speech.
    first, last : float
        Where the span begins and ends that it lies in.
    shift : float
        What is added for seconds of the recording.
    """

    start: float
    end: float
    first: float
    last: float
    shift: float


def stretches(window: Window, speech: Sequence[Span]) -> list[Stretch]:
    """Return where somebody speaks in a window; of a span without known speech, all of it.

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
    """Give words the times of the recording.

    Parameters
    ----------
    words : sequence of Word
        In order; times are seconds of the window from ``seek`` on.
    heard : sequence of Stretch
        Of the window, in order, at least one.
    after : float
        Seconds of the recording at which the text before them ends.

    Returns
    -------
    list of Word
        Each within one span; none begins before the one before it ends.
    """
    result: list[Word] = []
    least, home = after, heard[0]
    for word in words:
        start, end = word.start + seek, word.end + seek
        if not (result and _GOES_ON.match(word.word)):
            home = _home(heard, max(start, end - _LONGEST_S), end)
        if end - start < _SHORTEST_S:  # the alignment has left it out
            start = end - _LONGEST_S
        start, end = _clipped(home, start, end)
        start = max(least, start + home.shift)
        least = max(start, end + home.shift)
        result.append(replace(word, start=start, end=least))
    return result


def cut(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Cut words at pauses; what has no text goes with the words before."""
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
    """Return where speech goes on after a text: the model may end before the audio does.

    Parameters
    ----------
    speech : sequence of Span
        Of the recording, in order, each within one of the window's spans.
    end : float
        Seconds of the recording at which the text ends.
    until : float, optional
        Seconds of the recording at which other text begins.

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
    """Return the stretch that most of a word lies in, the later of equals."""

    def common(one: Stretch, ahead: float = _AHEAD_S) -> float:
        return min(end + ahead, one.end) - max(start + ahead, one.start)

    home = max(heard, key=lambda one: (common(one), one.start))
    if common(home) <= 0:  # where the alignment is not ahead
        home = max(heard, key=lambda one: (common(one, 0.0), common(one)))
    if max(common(home), common(home, 0.0)) > -_UNHEARD_S:
        return home
    middle = (start + end) / 2 + _AHEAD_S
    span = next((one for one in heard if middle < one.last), heard[-1])
    return replace(span, start=span.first, end=span.last)


def _clipped(home: Stretch, start: float, end: float) -> tuple[float, float]:
    low = max(home.first, home.start - _MARGIN_S)
    high = min(home.last, home.end + _MARGIN_S)
    close = min(max(end, low + _SHORTEST_S), high)
    return max(home.first, min(max(start, low), close - _SHORTEST_S)), close
