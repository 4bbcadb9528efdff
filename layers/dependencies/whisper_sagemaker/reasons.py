# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Formats a failure's reason for CloudFormation: one clean line of limited length."""

import re
import unicodedata

MOST = 256
"""Maximum characters of a reason; crhelper would cut off the beginning of a longer one."""

_GAP = " … "
# CSI sequences (colours), OSC sequences (titles), other two-character escapes.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[@-_])", re.DOTALL)


def clean(text: str) -> str:
    """Return a text in one line, without terminal escapes and control characters."""
    plain = _ESCAPES.sub("", text)
    shown = (" " if unicodedata.category(char).startswith("C") else char for char in plain)
    return " ".join("".join(shown).split())


def reason(text: str, most: int = MOST) -> str:
    """Return a clean text of at most `most` characters; a longer one is cut in the middle.

    Our messages begin with the remedy, and the end of the cause is the next most useful part.
    """
    whole = clean(text)
    if len(whole) <= most:
        return whole
    end = (most - len(_GAP)) // 3
    return whole[: most - len(_GAP) - end] + _GAP + whole[-end:]
