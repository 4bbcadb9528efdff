# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What becomes of a window that was decoded: believed, silent, or decoded again."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from whisper_endpoint.audio.features import FRAMES_PER_SECOND, MAX_FRAMES
from whisper_endpoint.engine import gates
from whisper_endpoint.engine.jobs import Search, WorkItem
from whisper_endpoint.messages import Priority

if TYPE_CHECKING:
    from whisper_endpoint.engine.gates import Attempt
    from whisper_endpoint.messages import Parameters

# Whisper's decoder has 448 positions; half of them are for new text.
MAX_NEW_TOKENS = 224
# People say 3 to 5 words per second; scripts that take several tokens per letter need this many.
_TOKENS_PER_SECOND = 25
# Two caps only: windows of different caps do not share a batch.
_SHORT_SECONDS = 4


@dataclass(frozen=True)
class Verdict:
    """What becomes of one turn; exactly one of ``again`` and ``accepted``, or silence.

    Attributes
    ----------
    again : WorkItem or None
        The next turn of a window that is not believed.
    accepted : Attempt or None
        What is believed. None without ``again``: the window is silent.
    gate : str
        Name of the gate that refused or emptied this turn's text; empty if none did.
    """

    again: WorkItem | None = None
    accepted: "Attempt | None" = None
    gate: str = ""


def judge(item: WorkItem, attempt: "Attempt", *, max_fallbacks: int, is_late: bool) -> Verdict:
    """Put an attempt through the gates.

    A refused window that was encoded short is decoded again at 30 s; at 30 s it is decoded again
    at the next temperature, as often as ``max_fallbacks`` and the request allow (a partial not at
    all: the next one is on its way). When nothing is left, or it is late, the best attempt counts.

    Parameters
    ----------
    item : WorkItem
    attempt : Attempt
        What the turn gave.
    max_fallbacks : int
        Temperatures after the first.
    is_late : bool
        Whether the deadline has passed.
    """
    parameters = item.job.parameters
    gate = gates.refusing(attempt, parameters)
    if not gate:
        return _believe(attempt, parameters)
    attempts = (*item.attempts, attempt)
    again = None if is_late else _next_turn(item, attempts, max_fallbacks)
    if again is not None:
        return Verdict(again=again, gate=gate)
    return replace(_believe(gates.best(attempts, parameters), parameters), gate=gate)


def search(parameters: "Parameters", number: int, frames: int) -> Search:
    """Return how the attempt of this number looks for the text of so many frames of audio."""
    seconds = frames / FRAMES_PER_SECOND
    cap = _SHORT_SECONDS * _TOKENS_PER_SECOND if seconds <= _SHORT_SECONDS else MAX_NEW_TOKENS
    temperature = parameters.temperature[number]
    is_sampled = temperature > 0
    return Search(
        temperature=temperature,
        beam_size=1 if is_sampled else parameters.beam_size,
        patience=1.0 if is_sampled else parameters.patience,
        best_of=parameters.best_of if is_sampled else 1,
        max_new_tokens=cap,
        without_timestamps=parameters.without_timestamps,
        length_penalty=parameters.length_penalty,
        repetition_penalty=parameters.repetition_penalty,
        no_repeat_ngram_size=parameters.no_repeat_ngram_size,
    )


def _believe(attempt: "Attempt", parameters: "Parameters") -> Verdict:
    if gates.is_silent(attempt, parameters):
        return Verdict(gate="silent")
    if gates.is_invented(attempt, parameters):
        return Verdict(gate="invented")
    return Verdict(accepted=attempt)


def _next_turn(
    item: WorkItem, attempts: "tuple[Attempt, ...]", max_fallbacks: int
) -> WorkItem | None:
    parameters, heard = item.job.parameters, item.features.shape[1]
    if item.frames < MAX_FRAMES or item.forced_prefix:
        return replace(
            item,
            frames=MAX_FRAMES,
            search=search(parameters, 0, heard),
            forced_prefix=(),
            attempts=(),
        )
    allowed = 0 if item.priority == Priority.PARTIAL else max_fallbacks
    if len(attempts) >= min(len(parameters.temperature), 1 + allowed):
        return None
    return replace(item, search=search(parameters, len(attempts), heard), attempts=attempts)
