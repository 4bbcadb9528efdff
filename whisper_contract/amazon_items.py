# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Splits Whisper's words into Amazon Transcribe's items, for files and streams."""

import re
from collections.abc import Iterator

# Punctuation that Whisper attaches to a word and Amazon separates; an apostrophe belongs to a word.
# Quotation marks that open in one language close in another.
_QUOTES = re.escape('"“”«»‹›')  # noqa: RUF001
_OPENING = _QUOTES + re.escape("¿¡([{„「『（《〈【—–")  # noqa: RUF001
_CLOSING = _QUOTES + re.escape(".,!?;:…)]}。，！？：；、）」』》〉】।॥؟،؛۔—–")  # noqa: RUF001
_PARTS = re.compile(rf"([{_OPENING}]*)(.*?)([{_CLOSING}]*)", re.DOTALL)
# On their own, these are punctuation too.
_SILENT = re.compile("[-‐'’‘]+")  # noqa: RUF001

# A redaction label is one word, like Amazon's own [PII].
_REDACTED = re.compile(r"\[[A-Z][A-Z_]*\]")

PRONUNCIATION, PUNCTUATION = "pronunciation", "punctuation"


def items(word: str) -> Iterator[tuple[str, str]]:
    """Yield the items of a word: the word itself, and the punctuation before and after it.

    Parameters
    ----------
    word : str
        With its punctuation; it is stripped.

    Yields
    ------
    kind : str
        ``PRONUNCIATION``, at most once, or ``PUNCTUATION``.
    content : str
        Never empty; joined, the contents are the word.
    """
    parts = _PARTS.fullmatch(word.strip())
    assert parts is not None  # every part may be empty
    before, said, after = parts.groups()
    if label := _REDACTED.fullmatch(before[-1:] + said + after[:1]):
        before, said, after = before[:-1], label[0], after[1:]
    is_silent = _SILENT.fullmatch(said) is not None
    for kind, content in (
        (PUNCTUATION, before),
        (PUNCTUATION if is_silent else PRONUNCIATION, said),
        (PUNCTUATION, after),
    ):
        if content:
            yield kind, content
