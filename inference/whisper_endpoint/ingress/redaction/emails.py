# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Finds e-mail addresses, written or spoken: ``j doe at example dot com``."""

import re
from collections.abc import Iterator

# Providers recognised without a top-level domain.
_PROVIDERS = r"gmail|hotmail|outlook|yahoo|icloud|aol|protonmail|live|msn"
_DOT = r"(?:\s*\.\s*|\s+(?:dot|punto)\s+)"
_AT = r"(?:\s*@\s*|\s+(?:at|arroba)\s+)"
_TOP = r"(?:com|net|org|edu|gov|io|co|info|biz|us|uk|es|mx|ar|cl|pe|de|fr|it|ca|eu|dev|app|me|tv)"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,62})"
_DOMAIN = (
    rf"{_LABEL}(?:\s{_LABEL}){{0,2}}?(?:{_DOT}{_LABEL}){{0,3}}?{_DOT}{_TOP}"
    rf"(?:{_DOT}{_TOP})?\b|(?:{_PROVIDERS})\b"
)
_ADDRESS = re.compile(rf"(?<![\w@])[\w.+%-]{{1,64}}(?P<at>{_AT})(?:{_DOMAIN})")
# Parts of the name before the at sign, with what joins them.
_JOINED = re.compile(
    r"(?:[^\W_]+(?:\s*[._+-]\s*|\s+(?:dot|punto|underscore|dash|hyphen|plus|guion(?: bajo)?)\s+))+$"
)
_LETTERS = re.compile(r"(?:\b[^\W_]\b[\s,.-]*){2,}$")
_WORDS_BETWEEN = r"\s+(?:dot|punto|underscore|dash|hyphen|plus|guion(?: bajo)?)\s+"
_NAME = rf"[^\W_]+(?:(?:[._+-]|{_WORDS_BETWEEN})[^\W_]+)*"
_BEGUN = r"\s+(?:dot|punto|underscore|guion(?: bajo)?)"
_UNFINISHED = re.compile(
    rf"(?:{_NAME}(?:\s*@|\s+arroba\b)(?:\s*{_NAME})?(?:{_BEGUN}|\.)?"
    rf"|{_NAME}\s+at\s+{_NAME}{_BEGUN}"
    rf"|[^\W_]+(?:{_WORDS_BETWEEN}[^\W_]+)+(?:\s+at(?:\s+{_NAME})?)?(?:{_BEGUN})?"
    rf"|{_NAME}{_BEGUN})\s*$"
)
_REACH = 200
_CUE = re.compile(
    r"\b(?:e-?mails?|mail|correos?(?: electronicos?)?)\b(?: address| id| account)?"
    r"(?:\s*[:,]\s*|\s+(?:is|es|to|at|a|me)\b\s*)+"
)
_MOST_WORDS = 8
# "look at amazon dot com" is not an address.
_VERBS = frozenset(
    """look us me you it them him her store available shop shopping work works working order ordered
    orders check visit online website site page are is was be bought buy found see meet here there
    located and or""".split()  # noqa: SIM905 - as words are read
)


def emails(lower: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each address in a text in lower case without accents."""
    for found in _ADDRESS.finditer(lower):
        is_sign = "@" in found["at"] or "arroba" in found["at"]
        name = lower[found.start() : found.start("at")]
        if is_sign or name not in _VERBS:
            yield _begin(lower, found.start()), found.end()


def unfinished(lower: str) -> int | None:
    """Return the start of an address that is not finished yet; None if there is none."""
    begin = max(0, len(lower) - _REACH)
    cue = None
    for cue in _CUE.finditer(lower, begin):  # noqa: B007 - the last one counts
        pass
    if cue is not None:
        rest = lower[cue.end() :]
        is_over = any(True for _ in emails(rest)) or len(rest.split()) > 2 * _MOST_WORDS
        if rest.strip() and not is_over:
            return cue.end()
    sign = _UNFINISHED.search(lower, begin)
    if sign is not None:
        return _begin(lower, sign.start())
    letters = _LETTERS.search(lower, begin)
    return letters.start() if letters is not None else None


def _begin(lower: str, start: int) -> int:
    """Return the start of the name before the at sign."""
    cue = None
    for cue in _CUE.finditer(lower, max(0, start - _REACH // 2), start):  # noqa: B007
        pass
    if cue is not None and len(lower[cue.end() : start].split()) <= _MOST_WORDS:
        return cue.end()
    for pattern in (_JOINED, _LETTERS, _JOINED):
        found = pattern.search(lower, max(0, start - _REACH // 2), start)
        start = found.start() if found else start
    return start
