# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Word times, from CTranslate2's alignment of text tokens with encoder frames.

The alignment follows the decoder's attention to the audio (dynamic time warping). The rules that
join tokens to words and shorten implausible times are those of faster-whisper 1.2.1
(``add_word_timestamps``), so that results are comparable. One rule is our own: no word reaches from
one segment into the next, so that the words of each segment are its text.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from faster_whisper.transcribe import merge_punctuations
from numpy.typing import NDArray

from whisper_endpoint.audio.features import FRAMES_PER_SECOND
from whisper_endpoint.engine.segments import Accepted, TokenSpan
from whisper_endpoint.transcript import Word

# The encoder halves the 100 frames per second.
_STEPS_PER_SECOND = 50
_OPENING = "\"'“¿([{-"
_CLOSING = "\"'.。,，!！?？:：”)]}、"  # noqa: RUF001
_SENTENCE_ENDS = ".。!！?？"  # noqa: RUF001
# Upper bound of the median word duration; next to a pause, twice the median is too long.
_LONGEST_TYPICAL_S = 0.7
# A number or code without spaces. If it lasts longer than this, its tokens are timed one by one: it
# may be dictated in groups, with pauses between them. Without a digit it may be a word in capitals,
# and a token of another script's digits may be only a part of one.
_RUN = re.compile(r" ?(?=[A-Z]*[0-9])[A-Z0-9]{4,}")
_LONGEST_RUN_S = 1.0
# How far a word may reach beyond its segment before the segment's time is used instead.
_TOLERANCE_S = 0.5


@dataclass(frozen=True)
class _Piece:
    """A word and its number of tokens."""

    word: Word
    tokens: int

    @property
    def duration(self) -> float:
        return self.word.end - self.word.start

    def moved(self, start: float, end: float) -> "_Piece":
        return replace(self, word=replace(self.word, start=start, end=end))


def text_tokens(span: TokenSpan, tokenizer: Any) -> list[int]:
    """Return the text tokens of a span, without timestamps and special tokens."""
    return [token for token in span.tokens if token < tokenizer.eot]


def with_words(accepted: Accepted, alignment: Any, tokenizer: Any) -> Accepted:
    """Add words to an accepted attempt; see :func:`attach`."""
    task = accepted.task
    prepared, seek = task.job.windows[task.position], task.seek / FRAMES_PER_SECOND
    begin = prepared.window.in_recording(seek)
    last_end = task.segments[-1].end - begin if task.segments else 0.0
    spans = attach(accepted.spans, alignment, tokenizer, last_end)
    return replace(accepted, spans=spans)


def attach(
    spans: Sequence[TokenSpan],
    alignment: Any,
    tokenizer: Any,
    last_end: float,
) -> list[TokenSpan]:
    """Add words to spans, and reconcile the times of both.

    Parameters
    ----------
    spans : sequence of TokenSpan
        Of one window, in order.
    alignment : ctranslate2.models.WhisperAlignmentResult
        Of the text tokens of all spans, joined.
    tokenizer : faster_whisper.tokenizer.Tokenizer
    last_end : float
        End of the preceding speech, seconds from where decoding began; may be negative.

    Returns
    -------
    list of TokenSpan
        As many as ``spans``; times are seconds from where decoding began.
    """
    texts = [text_tokens(span, tokenizer) for span in spans]
    edges = itertools.pairwise([0, *itertools.accumulate(map(len, texts))])
    entered = _entered(alignment)
    rows = [
        _pieces(text, entered[first : last + 1], alignment.text_token_probs[first:last], tokenizer)
        for text, (first, last) in zip(texts, edges, strict=True)
    ]
    pieces = list(itertools.chain.from_iterable(rows))
    durations = [piece.duration for piece in pieces if piece.duration > 0]
    typical = min(_LONGEST_TYPICAL_S, float(np.median(durations))) if durations else 0.0
    shortened = iter(_shorten_at_sentences(pieces, 2 * typical))
    spoken = []
    for span, row in zip(spans, rows, strict=True):
        mine = _join_punctuation(list(itertools.islice(shortened, len(row))))
        agreed = _agree(span, [piece.word for piece in mine], typical, last_end)
        if agreed.words:
            last_end = agreed.end
        spoken.append(replace(agreed, counts=tuple(piece.tokens for piece in mine)))
    return spoken


def _entered(alignment: Any) -> NDArray[np.float64]:
    """Return the time in seconds at which attention enters each text token, and the end."""
    pairs = np.array(alignment.alignments).reshape(-1, 2)
    is_entry = np.diff(pairs[:, 0], prepend=-1) > 0
    seconds: NDArray[np.float64] = pairs[is_entry, 1] / _STEPS_PER_SECOND
    return seconds


def _pieces(
    tokens: list[int],
    entered: NDArray[np.float64],
    probabilities: Sequence[float],
    tokenizer: Any,
) -> list[_Piece]:
    """Return the words of some tokens, timed by where attention enters and leaves them."""
    texts, groups = tokenizer.split_to_word_tokens(tokens)
    missing = len(tokens) - sum(map(len, groups))
    if missing:  # an incomplete last character is not part of any word
        texts = [*texts, tokenizer.decode(tokens[-missing:])]
        groups = [*groups, tokens[-missing:]]
    counted = list(_without_long_runs(texts, groups, entered, tokenizer))
    edges = itertools.pairwise([0, *itertools.accumulate(count for _, count in counted)])
    return [
        _Piece(
            Word(
                start=float(entered[first]),
                end=float(entered[after]),
                word=text,
                probability=min(1.0, float(np.mean(probabilities[first:after]))),
            ),
            after - first,
        )
        for (text, _), (first, after) in zip(counted, edges, strict=True)
    ]


def _without_long_runs(
    texts: Sequence[str],
    groups: Sequence[Sequence[int]],
    entered: NDArray[np.float64],
    tokenizer: Any,
) -> Iterator[tuple[str, int]]:
    """Yield each word and its number of tokens, the tokens of a long number or code one by one."""
    first = 0
    for text, group in zip(texts, groups, strict=True):
        after = first + len(group)
        if _RUN.fullmatch(text) and entered[after] - entered[first] > _LONGEST_RUN_S:
            yield from ((tokenizer.decode([token]), 1) for token in group)
        else:
            yield text, len(group)
        first = after


def _shorten_at_sentences(pieces: list[_Piece], longest: float) -> list[_Piece]:
    """Cut a pause between sentences off the full stop and the word after it."""
    cut = pieces[:1]
    for before, piece in itertools.pairwise(pieces):
        if piece.duration <= longest:
            cut.append(piece)
        elif piece.word.word in _SENTENCE_ENDS:
            cut.append(piece.moved(piece.word.start, piece.word.start + longest))
        elif before.word.word in _SENTENCE_ENDS:
            cut.append(piece.moved(piece.word.end - longest, piece.word.end))
        else:
            cut.append(piece)
    return cut


def _join_punctuation(pieces: list[_Piece]) -> list[_Piece]:
    """Join opening marks to the next word and closing ones to the previous word."""
    rows: list[dict[str, Any]] = [
        {"word": one.word.word, "tokens": [one] * one.tokens, "piece": one} for one in pieces
    ]
    merge_punctuations(rows, _OPENING, _CLOSING)  # rows merged into others have no tokens left
    return [
        _Piece(replace(row["piece"].word, word=row["word"]), len(row["tokens"]))
        for row in rows
        if row["tokens"]
    ]


def _agree(span: TokenSpan, words: list[Word], typical: float, last_end: float) -> TokenSpan:
    """Reconcile the times of a segment with those of its first and last word."""
    if not words:
        return span
    words = _shorten_after_pause(words, typical, last_end)
    start, end = span.start, span.end
    first = words[0]
    if start < first.end and start - _TOLERANCE_S > first.start:
        words[0] = replace(first, start=max(0.0, min(first.end - typical, start)))
    else:
        start = first.start
    last = words[-1]
    if end > last.start and end + _TOLERANCE_S < last.end:
        words[-1] = replace(last, end=max(last.start + typical, end))
    else:
        end = last.end
    return replace(span, start=start, end=end, words=tuple(words))


def _shorten_after_pause(words: list[Word], typical: float, last_end: float) -> list[Word]:
    """Shorten the first words after a pause if they include part of it."""
    longest = 2 * typical
    first, *rest = words
    if first.end - last_end <= 4 * typical:
        return words
    second = rest[0] if rest else None
    is_long = first.end - first.start > longest
    if not is_long and (second is None or second.end - first.start <= 2 * longest):
        return words
    if second is not None and second.end - second.start > longest:
        border = max(second.end / 2, second.end - longest)
        first, rest[0] = replace(first, end=border), replace(second, start=border)
    return [replace(first, start=max(0.0, first.end - longest)), *rest]
