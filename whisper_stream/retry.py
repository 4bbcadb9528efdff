# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Outcome and retry delays of a request."""

import random
from dataclasses import dataclass

from whisper_stream.requests import TranscriptionResponse

_FIRST_WAIT_S = 0.4
_LONGEST_WAIT_S = 5.0


@dataclass(frozen=True)
class RequestOutcome:
    """The outcome of a request.

    Attributes
    ----------
    attempts : int
        Number of attempts; 0 if its limit passed while it was queued.
    response : TranscriptionResponse or None
        The answer; None: given up.
    reason : str
        Why it was given up, in one sentence.
    """

    attempts: int
    response: TranscriptionResponse | None = None
    reason: str = ""


def wait_s(attempts: int) -> float:
    """Return the delay in seconds after a number of failures, with jitter."""
    longest: float = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempts - 1))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - nothing secret
