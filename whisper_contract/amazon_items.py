# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How a word of Whisper's becomes items of Amazon Transcribe's, in a file and in a stream alike."""

import re
from collections.abc import Iterator

# What Whisper writes at a word and Amazon as an item. An apostrophe belongs to a word. Quotation
# marks open in one language and close in another.
_QUOTES = re.escape('"“”«»‹›')  # noqa: RUF001
_OPENING = _QUOTES + re.escape("¿¡([{„「『（《〈【—–")  # noqa: RUF001
_CLOSING = _QUOTES + re.escape(".,!?;:…)]}。，！？：；、）」』》〉】।॥؟،؛۔—–")  # noqa: RUF001
_PARTS = re.compile(rf"([{_OPENING}]*)(.*?)([{_CLOSING}]*)", re.DOTALL)
# Alone, these are not said either.
_SILENT = re.compile("[-‐'’‘]+")  # noqa: RUF001

# What stands for something that is left out is one word, as Amazon's own [PII].
_REDACTED = re.compile(r"\[[A-Z][A-Z_]*\]")

PRONUNCIATION, PUNCTUATION = "pronunciation", "punctuation"


def items(word: str) -> Iterator[tuple[str, str]]:
    """Yield the items of a word: what is said, and the punctuation before and after it.

    Parameters
    ----------
    word : str
        With the punctuation at it; blanks around it are left out.

    Yields
    ------
    kind : str
        ``PRONUNCIATION``, at most once, or ``PUNCTUATION``.
    content : str
        Never empty; those of all items joined are the word.
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
