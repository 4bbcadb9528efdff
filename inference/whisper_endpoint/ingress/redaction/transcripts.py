# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Redacts numbers and addresses in a transcript, before any response format is made from it.

Each is replaced by its kind in brackets, such as ``[CARD_NUMBER]``, with its times. A number may
span segments. In a partial, the end that may become a number is withheld until more is heard;
otherwise the number would be shown digit by digit. The model's tokens would reveal the text, so
redacted segments have none.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from whisper_endpoint.ingress.redaction.recognisers import Finding, find
from whisper_endpoint.transcript import Segment, Transcript, Word, renumbered

LANGUAGES = ("en", "es")
"""Languages whose words for numbers and addresses are known; digits are found in any language."""


class RedactionFailed(Exception):
    """Redaction failed; the message contains none of the text, and no text is returned."""


@dataclass(frozen=True)
class _Piece:
    """Text with the times of a word, or of a whole segment without words."""

    text: str
    start: float
    end: float
    probability: float = 0.0


def redacted(
    transcript: Transcript,
    *,
    is_partial: bool,
    is_live: bool,
    has_words: bool,
    is_translated: bool = False,
) -> Transcript:
    """Return the transcript of one channel with numbers and addresses redacted.

    Parameters
    ----------
    is_partial : bool
        Whether the utterance continues.
    is_live : bool
        Whether it is an utterance of a call: a number at its edge may continue in another.
    has_words : bool
        Whether the request asked for words; otherwise they are removed.
    is_translated : bool
        Whether its text is English, whatever was spoken.

    Raises
    ------
    RedactionFailed
        500: without any text of the transcript.
    """
    try:
        segments = _without(transcript, is_partial=is_partial, is_live=is_live)
    except Exception as failure:
        # The original message and traceback may contain what was said.
        raise RedactionFailed(type(failure).__name__) from None
    if not has_words:
        segments = [replace(one, words=None) for one in segments]
    warnings = transcript.warnings
    is_known = is_translated or transcript.language in {"", *LANGUAGES}
    if segments and not is_known:
        warning = (
            f"The text is in the language '{transcript.language}', but redaction supports "
            "only the words of English and Spanish: numbers and addresses spoken in words "
            "are not redacted."
        )
        warnings = (*warnings, warning)
    return replace(transcript, segments=renumbered(segments), warnings=warnings)


def _without(transcript: Transcript, *, is_partial: bool, is_live: bool) -> list[Segment]:
    text = "".join(segment.text for segment in transcript.segments)
    found = find(text, transcript.language, is_live=is_live)
    findings, end = found.findings, len(text)
    if is_partial and found.open_from is not None:
        end = found.open_from
        findings = [one for one in findings if one.start < end]
    if not findings and end == len(text):
        return list(transcript.segments)
    left: list[Segment] = []
    begin = 0
    for segment in transcript.segments:
        behind = begin + len(segment.text)
        left += _part(segment, begin, findings, end)
        begin = behind
    return left


def _part(segment: Segment, begin: int, findings: Sequence[Finding], end: int) -> Iterator[Segment]:
    """Yield the redacted segment, unless nothing is left of it.

    Parameters
    ----------
    begin : int
        Offset of the segment in the text of all segments.
    end : int
        Offset in that text from which everything is withheld.
    """
    behind = begin + len(segment.text)
    mine = [one for one in findings if one.start < behind and one.end > begin]
    if not mine and behind <= end:
        yield segment
        return
    whole = _Piece(segment.text, segment.start, segment.end)
    words = [_Piece(one.word, one.start, one.end, one.probability) for one in segment.words or ()]
    is_timed = "".join(word.text for word in words) == segment.text and bool(words)
    pieces = list(_pieces(words if is_timed else [whole], begin, mine, end))
    text = "".join(piece.text for piece in pieces)
    if not text.strip():
        return
    yield replace(
        segment,
        start=pieces[0].start if is_timed else segment.start,
        end=pieces[-1].end if is_timed else segment.end,
        text=text,
        tokens=(),
        words=None
        if segment.words is None
        else tuple(Word(one.start, one.end, one.text, one.probability) for one in pieces),
    )


def _pieces(
    words: Sequence[_Piece], begin: int, findings: Sequence[Finding], end: int
) -> Iterator[_Piece]:
    """Yield words, those of a finding joined; one that began in an earlier segment has none."""
    edges = itertools.accumulate((len(word.text) for word in words), initial=begin)
    placed = [(at, word) for at, word in zip(edges, words, strict=False) if at < end]
    while placed:
        at, word = placed.pop(0)
        behind = at + len(word.text)
        mine = [one for one in findings if one.start < behind and one.end > at]
        text = _shown(word.text[: end - at], at, mine, begin)
        # Join the further words that the finding covers.
        while placed and mine and mine[-1].end > behind:
            at, more = placed.pop(0)
            behind = at + len(more.text)
            mine = [one for one in findings if one.start < behind and one.end > at]
            text += _shown(more.text[: end - at], at, mine, begin)
            word = replace(word, end=more.end, probability=min(word.probability, more.probability))
        if text:
            yield replace(word, text=text)


def _shown(text: str, at: int, findings: Sequence[Finding], begin: int) -> str:
    """Return a stretch of text with the findings that begin in it replaced by their labels."""
    shown, place = "", at
    for one in findings:
        shown += text[place - at : max(0, one.start - at)]
        if at <= one.start < at + len(text) and one.start >= begin:
            shown += f"[{one.label}]"
        place = max(place, one.end)
    return shown + text[max(0, place - at) :]
