# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The last resort against a loop: what every attempt repeats is cut to one or two occurrences."""

import itertools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from whisper_endpoint.engine.attempts.gates import Attempt

# People say things twice, and the model a third time what was said once.
_MOST_COPIES = 2


def cut(
    attempt: Attempt, threshold: float, end_token: int, decode: Callable[[list[int]], str]
) -> Attempt:
    """Return an attempt without its loop: its compression ratio is at most the threshold.

    Where two occurrences of what is repeated are still too many, one is left; what repeats itself
    with changes ends where it becomes too much.

    Parameters
    ----------
    threshold : float
        Compression ratio.
    end_token : int
        Tokens below it are text, the others timestamps and the like.
    decode : callable
        Tokens to text; leaves timestamps out.
    """
    tokens = list(attempt.tokens)
    for copies in range(_MOST_COPIES, 0, -1):
        tokens = _collapsed(tokens, copies, end_token, decode)
        shorter = _with(attempt, tokens, decode)
        if shorter.compression_ratio <= threshold:
            return shorter
    while shorter.compression_ratio > threshold:
        last = max(place for place, token in enumerate(tokens) if token < end_token)
        tokens = _without_gaps([*tokens[:last], *tokens[last + 1 :]], end_token)
        shorter = _with(attempt, tokens, decode)
    return shorter


def _with(attempt: Attempt, tokens: Sequence[int], decode: Callable[[list[int]], str]) -> Attempt:
    # A character of several tokens may have lost its last.
    text = decode(list(tokens)).strip().rstrip("\ufffd")
    return replace(attempt, tokens=tuple(tokens), text=text, is_cut=True)


def _collapsed(
    tokens: Sequence[int], most: int, end_token: int, decode: Callable[[list[int]], str]
) -> list[int]:
    """Leave at most so many copies of what follows itself directly, timestamps aside."""
    places = [place for place, token in enumerate(tokens) if token < end_token]
    text = [tokens[place] for place in places]
    dropped: set[int] = set()
    begin = 0
    while begin < len(text):
        period, copies = _longest_run(text, begin)
        end = begin + period * copies
        if copies > most:
            rest = in_common(text[begin : begin + period], text[end:])
            # The text may end within a copy; or a run may begin with the end of what was before.
            is_part = end + rest == len(text) and any(map(str.isalnum, decode(text[end:])))
            kept = begin + most * period + (0 if is_part else rest)
            end += rest
            dropped.update(places[kept:end])
        begin = max(end, begin + 1)
    return _without_gaps([t for n, t in enumerate(tokens) if n not in dropped], end_token)


def _longest_run(text: Sequence[int], begin: int) -> tuple[int, int]:
    """Return the period and the number of copies of the run that covers most from here on."""
    best = (1, 1)
    for period in range(1, (len(text) - begin) // 2 + 1):
        copy, copies = text[begin : begin + period], 1
        while text[begin + copies * period : begin + (copies + 1) * period] == copy:
            copies += 1
        if copies > 1 and copies * period > best[0] * best[1]:
            best = (period, copies)
    return best


def in_common(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Return how many tokens, or words, two texts begin with in common."""
    alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in alike)


def _without_gaps(tokens: Sequence[int], end_token: int) -> list[int]:
    """Leave out the timestamps of segments that have no text any more."""
    segments: list[list[int]] = [[]]
    for place, token in enumerate(tokens):
        if place and token >= end_token and tokens[place - 1] >= end_token:
            segments.append([])
        segments[-1].append(token)
    return [
        token
        for segment in segments
        if any(part < end_token for part in segment)
        for token in segment
    ]
