# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Last resort against loops: cuts a passage repeated by every attempt to one or two copies."""

import itertools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from whisper_endpoint.engine.attempts.gates import Attempt

# People do say things twice; a third copy is the model's.
_MOST_COPIES = 2


def cut(
    attempt: Attempt, threshold: float, end_token: int, decode: Callable[[list[int]], str]
) -> Attempt:
    """Return an attempt cut so that its compression ratio is at most the threshold.

    Repeated passages are cut to two copies, then to one. Where that is not enough (copies with
    small changes), tokens are dropped from the end.

    Parameters
    ----------
    threshold : float
        Maximum compression ratio.
    end_token : int
        Tokens below it are text; the others are timestamps and special tokens.
    decode : callable
        Turns tokens into text, without timestamps.
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
    # The last character may have lost some of its tokens.
    text = decode(list(tokens)).strip().rstrip("\ufffd")
    return replace(attempt, tokens=tuple(tokens), text=text, is_cut=True)


def _collapsed(
    tokens: Sequence[int], most: int, end_token: int, decode: Callable[[list[int]], str]
) -> list[int]:
    """Keep at most ``most`` consecutive copies of a passage, ignoring timestamps."""
    places = [place for place, token in enumerate(tokens) if token < end_token]
    text = [tokens[place] for place in places]
    dropped: set[int] = set()
    begin = 0
    while begin < len(text):
        period, copies = _longest_run(text, begin)
        end = begin + period * copies
        if copies > most:
            rest = in_common(text[begin : begin + period], text[end:])
            # The text may end within a copy, or the run may begin with the end of earlier text.
            is_part = end + rest == len(text) and any(map(str.isalnum, decode(text[end:])))
            kept = begin + most * period + (0 if is_part else rest)
            end += rest
            dropped.update(places[kept:end])
        begin = max(end, begin + 1)
    return _without_gaps([t for n, t in enumerate(tokens) if n not in dropped], end_token)


def _longest_run(text: Sequence[int], begin: int) -> tuple[int, int]:
    """Return (period, copies) of the longest repetition starting at ``begin``."""
    best = (1, 1)
    for period in range(1, (len(text) - begin) // 2 + 1):
        copy, copies = text[begin : begin + period], 1
        while text[begin + copies * period : begin + (copies + 1) * period] == copy:
            copies += 1
        if copies > 1 and copies * period > best[0] * best[1]:
            best = (period, copies)
    return best


def in_common(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Return the length of the common prefix of two sequences of tokens or words."""
    alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in alike)


def _without_gaps(tokens: Sequence[int], end_token: int) -> list[int]:
    """Remove the timestamps of segments that are left without text."""
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
