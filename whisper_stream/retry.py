# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What becomes of a request that is sent until it has an answer or is given up."""

import random
from dataclasses import dataclass

from whisper_stream.requests import TranscriptionResponse

_FIRST_WAIT_S = 0.4
_LONGEST_WAIT_S = 5.0


@dataclass(frozen=True)
class RequestOutcome:
    """What became of a request.

    Attributes
    ----------
    attempts : int
        How often it was sent; 0 if its limit had passed while it waited for its turn.
    response : TranscriptionResponse or None
        The answer; None: given up.
    reason : str
        Why, in one sentence.
    """

    attempts: int
    response: TranscriptionResponse | None = None
    reason: str = ""


def wait_s(attempts: int) -> float:
    """Return the seconds to wait after so many failed attempts: at random, so none wait in step."""
    longest: float = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempts - 1))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - nothing secret
