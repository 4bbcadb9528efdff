# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Removes a repeated passage that was said only once: its second copy has no duration.

At the end of the audio, beam search sometimes repeats what it has just produced. Two copies pass
the compression-ratio gate, and people do say things twice. The alignment tells the two apart: no
audio is left to attend to for a copy that nobody said, so most of its words have no duration,
whereas a passage that was really said twice takes time twice.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from whisper_endpoint.engine.attempts import gates, loop_cutting
from whisper_endpoint.engine.segments import Accepted, TokenSpan
from whisper_endpoint.transcript import Word

# Shorter copies may be real (a hurried "thank you"), and the alignment often squeezes 1 or 2 words.
_LEAST_WORDS = 4
# Spoken words last 0.1 to 0.5 s; the alignment has a resolution of 0.02 s.
_NO_TIME_S = 0.04


def without_unsaid(accepted: Accepted, end_token: int) -> Accepted:
    """Remove repeated passages that were not said; no-op without a compression-ratio threshold.

    Parameters
    ----------
    accepted : Accepted
        With its words aligned.
    end_token : int
        Tokens below it are text; the others are timestamps and special tokens.
    """
    if accepted.task.job.parameters.compression_ratio_threshold is None:
        return accepted
    unsaid = _unsaid([word for span in accepted.spans for word in span.words])
    if not any(unsaid):
        return accepted
    flags = iter(unsaid)
    parts = [
        _without(span, list(itertools.islice(flags, len(span.words))), end_token)
        for span in accepted.spans
    ]
    spans = [span for span in parts if span.words]
    attempt = replace(
        accepted.attempt,
        tokens=tuple(token for span in spans for token in span.tokens),
        text="".join(word.word for span in spans for word in span.words).strip(),
        is_cut=True,
    )
    return replace(accepted, attempt=attempt, spans=spans)


def _unsaid(words: Sequence[Word]) -> list[bool]:
    """Return for each word whether it is part of a copy without duration."""
    plain = [gates.plain_text(word.word) for word in words]
    seconds = [word.end - word.start for word in words]
    unsaid = [False] * len(words)
    begin = _LEAST_WORDS
    while begin < len(words):
        end = begin + _said_before(plain, begin)
        is_copy = end - begin >= _LEAST_WORDS and not _is_number(words[begin:end])
        if is_copy and median(seconds[begin:end]) <= _NO_TIME_S:
            # The text may end in the middle of another copy.
            while end < len(words) and seconds[end] <= _NO_TIME_S:
                end += 1
            unsaid[begin:end] = [True] * (end - begin)
            begin = end
        else:
            begin += 1
    return unsaid


def _is_number(words: Sequence[Word]) -> bool:
    """Whether all are parts of a number without spaces, in which digits often repeat."""
    return all(word.word.isdigit() for word in words)


def _said_before(plain: Sequence[str], begin: int) -> int:
    """Return the length of the longest passage from ``begin`` on that also occurs before it."""
    return max(
        (
            loop_cutting.in_common(plain[start:begin], plain[begin:])
            for start in range(begin)
            if plain[start] == plain[begin]
        ),
        default=0,
    )


def _without(span: TokenSpan, unsaid: Sequence[bool], end_token: int) -> TokenSpan:
    """Return a span without the flagged words and their tokens; keep its timestamps."""
    if not any(unsaid):
        return span
    kept = [not flag for flag in unsaid]
    of_tokens = itertools.chain.from_iterable(
        itertools.repeat(flag, count) for flag, count in zip(kept, span.counts, strict=True)
    )
    words = tuple(itertools.compress(span.words, kept))
    return replace(
        span,
        end=words[-1].end if words else span.start,
        tokens=tuple(token for token in span.tokens if token >= end_token or next(of_tokens)),
        words=words,
        counts=tuple(itertools.compress(span.counts, kept)),
    )
