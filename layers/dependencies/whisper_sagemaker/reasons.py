# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What CloudFormation shows as the reason of a failure: one clean line of the length it allows."""

import re
import unicodedata

MOST = 256
"""Characters of a reason; crhelper cuts off what is longer, from the front."""

_GAP = " … "
# CSI sequences, such as colours; OSC sequences, such as titles; other escapes of two characters.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[@-_])", re.DOTALL)


def clean(text: str) -> str:
    """Return a text in one line, without terminal escapes and characters that show nothing."""
    plain = _ESCAPES.sub("", text)
    shown = (" " if unicodedata.category(char).startswith("C") else char for char in plain)
    return " ".join("".join(shown).split())


def reason(text: str, most: int = MOST) -> str:
    """Return a clean text of at most `most` characters; a longer one is cut in its middle.

    What to do comes first in our sentences, and the cause's own end says most after its beginning.
    """
    whole = clean(text)
    if len(whole) <= most:
        return whole
    end = (most - len(_GAP)) // 3
    return whole[: most - len(_GAP) - end] + _GAP + whole[-end:]
