# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a variant is: a way from the body of a request to what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

SUPERSEDED = "superseded"
"""Field of the answer to a partial whose place a newer one has taken."""


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Attributes
    ----------
    tokens : int
        Of its segments, timestamps included.
    text : str
    is_superseded : bool
        Answered without being decoded, since a later request of the utterance took its place.
    """

    tokens: int
    text: str
    is_superseded: bool = False


class RequestFailed(Exception):
    """A request was refused: the measurement is void."""


class Variant(Protocol):
    """One way to a transcript; `answer` is called from many threads."""

    def answer(self, body: bytes) -> Outcome:
        """Transcribe; raises RequestFailed, and anything once it was abandoned."""

    def abandon(self) -> None:
        """Give up what waits: it need not be answered, only ended soon."""

    def close(self) -> None:
        """End everything that was started."""


def read_answer(status: int, body: bytes) -> Outcome:
    """Read one of the endpoint's answers.

    Raises
    ------
    RequestFailed
        It is a refusal.
    """
    document = json.loads(body)
    if document.get(SUPERSEDED):
        return Outcome(0, "", is_superseded=True)
    if status != 200:
        raise RequestFailed(f"HTTP {status}: {document.get('error')}")
    tokens = sum(len(segment["tokens"]) for segment in document["segments"])
    return Outcome(tokens, document["text"])
