# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What becomes of an attempt at a window: believed, silent, or followed by a fallback."""

from dataclasses import dataclass, replace

from whisper_endpoint.audio.features import FRAMES_PER_SECOND, MAX_FRAMES
from whisper_endpoint.engine import gates
from whisper_endpoint.engine.gates import Attempt
from whisper_endpoint.engine.jobs import DecodeTask, Search
from whisper_endpoint.messages import Parameters, Priority

# Whisper's decoder has 448 positions; half of them are for new text.
MAX_NEW_TOKENS = 224
# People say 3 to 5 words per second; scripts that take several tokens per letter need this many.
_TOKENS_PER_SECOND = 25
# Two caps only: windows of different caps do not share a batch.
_SHORT_SECONDS = 4


@dataclass(frozen=True)
class Verdict:
    """What becomes of one attempt; one of ``fallback`` and ``accepted``, or silence.

    Attributes
    ----------
    fallback : DecodeTask or None
        The next attempt at a window whose text is not believed.
    accepted : Attempt or None
        What is believed. None without ``fallback``: the window is silent.
    gate : str
        Name of the gate that refused or emptied the text; empty if none did.
    """

    fallback: DecodeTask | None = None
    accepted: Attempt | None = None
    gate: str = ""


def judge(task: DecodeTask, attempt: Attempt, *, max_fallbacks: int, is_late: bool) -> Verdict:
    """Put an attempt through the gates.

    A refused window that was encoded short is decoded again at 30 s; at 30 s it is decoded again
    at the next temperature, as often as ``max_fallbacks`` and the request allow (a partial not at
    all: the next one is on its way). When nothing is left, or it is late, the best attempt counts.

    Parameters
    ----------
    max_fallbacks : int
        Temperatures after the first.
    is_late : bool
        Whether the deadline has passed.
    """
    parameters = task.job.parameters
    gate = gates.refusing(attempt, parameters)
    if not gate:
        return _believe(attempt, parameters)
    attempts = (*task.attempts, attempt)
    fallback = None if is_late else _next_attempt(task, attempts, max_fallbacks)
    if fallback is not None:
        return Verdict(fallback=fallback, gate=gate)
    return replace(_believe(gates.best(attempts, parameters), parameters), gate=gate)


def search(parameters: Parameters, number: int, frames: int) -> Search:
    """Return how the attempt of this number looks for the text of audio of this many frames."""
    seconds = frames / FRAMES_PER_SECOND
    cap = _SHORT_SECONDS * _TOKENS_PER_SECOND if seconds <= _SHORT_SECONDS else MAX_NEW_TOKENS
    temperature = parameters.temperature[number]
    is_sampled = temperature > 0
    return Search(
        temperature=temperature,
        beam_size=1 if is_sampled else parameters.beam_size,
        # CTranslate2 refuses a patience for which less than one hypothesis is finished.
        patience=1.0 if is_sampled else max(parameters.patience, 1 / parameters.beam_size),
        best_of=parameters.best_of if is_sampled else 1,
        max_new_tokens=cap,
        without_timestamps=parameters.without_timestamps,
        length_penalty=parameters.length_penalty,
        repetition_penalty=parameters.repetition_penalty,
        no_repeat_ngram_size=parameters.no_repeat_ngram_size,
    )


def _believe(attempt: Attempt, parameters: Parameters) -> Verdict:
    if gates.is_silent(attempt, parameters):
        return Verdict(gate="silent")
    if gates.is_invented(attempt, parameters):
        return Verdict(gate="invented")
    return Verdict(accepted=attempt)


def _next_attempt(
    task: DecodeTask, attempts: tuple[Attempt, ...], max_fallbacks: int
) -> DecodeTask | None:
    parameters, heard = task.job.parameters, task.features.shape[1]
    if task.frames < MAX_FRAMES or task.forced_prefix:
        return replace(
            task,
            frames=MAX_FRAMES,
            search=search(parameters, 0, heard),
            forced_prefix=(),
            attempts=(),
        )
    allowed = 0 if task.priority == Priority.PARTIAL else max_fallbacks
    if len(attempts) >= min(len(parameters.temperature), 1 + allowed):
        return None
    return replace(task, search=search(parameters, len(attempts), heard), attempts=attempts)
