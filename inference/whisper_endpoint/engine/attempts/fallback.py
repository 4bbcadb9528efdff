# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decides what follows an attempt at a window: accept it, treat it as silence, or fall back."""

from dataclasses import dataclass, replace

from whisper_endpoint.audio.features import FRAMES_PER_SECOND, MAX_FRAMES
from whisper_endpoint.engine.attempts import gates
from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.jobs import DecodeTask, Search
from whisper_endpoint.messages import Parameters, Priority

# Whisper's decoder has 448 positions; half of them are for new text.
MAX_NEW_TOKENS = 224
# Speech has 3 to 5 words per second; scripts with several tokens per letter need this many.
_TOKENS_PER_SECOND = 25
# (Seconds of audio, token limit of a first attempt). Nearly every 10 s of speech fits into 112
# tokens, so this stops loops early; text cut off here is decoded again without the limit. Only two
# limits: windows of a batch that reach theirs are generated again, once per limit.
_CAPS = ((4, 100), (10, 112))
# From this probability on, a window's language may differ from that of its recording.
_EVIDENT_LANGUAGE = 0.5
# Below this probability a recording's language is doubtful, from the other one on the next most
# probable one is possible: with base, some British English was Welsh at 0.55 and 0.58.
_DOUBTFUL_LANGUAGE, _POSSIBLE_LANGUAGE = 0.6, 0.3


@dataclass(frozen=True)
class Verdict:
    """The decision on one attempt: ``fallback``, ``accepted``, or neither for silence.

    Attributes
    ----------
    fallback : DecodeTask or None
        The next attempt at the window.
    accepted : Attempt or None
        The attempt whose text is kept. None without ``fallback``: the window is silent.
    gate : str
        Name of the gate that rejected or emptied the text; empty if none did.
    """

    fallback: DecodeTask | None = None
    accepted: Attempt | None = None
    gate: str = ""


def judge(task: DecodeTask, attempt: Attempt, *, max_fallbacks: int, is_late: bool) -> Verdict:
    """Apply the gates to an attempt and decide what follows.

    A rejected window is decoded again as often as ``max_fallbacks`` and the request allow, until
    its deadline. After that the best attempt is kept, unless the window may be silent. A text that
    may just repeat the prompt is checked by one more attempt without the prompt.

    Parameters
    ----------
    max_fallbacks : int
        Maximum number of temperatures after the first.
    is_late : bool
        Whether the deadline has passed.
    """
    parameters = task.job.parameters
    if task.doubted is not None:
        return _confirm(task.doubted, attempt, parameters)
    if gates.is_silent(attempt, parameters, is_left_out=task.is_rest):
        return Verdict(gate="silent")
    gate = gates.refusing(attempt, parameters)
    attempts = (*task.attempts, attempt)
    if not gate and _is_loop(attempts, attempt, parameters):
        gate = "repetitive"
    fallback = None if is_late else _next_attempt(task, attempts, gate, max_fallbacks)
    if fallback is not None:
        return Verdict(fallback=fallback, gate=gate)
    if not gate:
        return _believe(attempt, parameters)
    best = gates.best(attempts, parameters)
    # Where the VAD has found speech, a poor text is better than none.
    if gates.may_be_silent(best, parameters) and not parameters.vad_filter:
        return Verdict(gate="silent")
    gate = "repetitive" if _is_loop(attempts, best, parameters) else gate
    return replace(_believe(best, parameters), gate=gate)


def most_tokens(frames: int) -> int:
    """Return the token limit of a first attempt at this many frames of audio."""
    seconds = frames / FRAMES_PER_SECOND
    return next((tokens for most, tokens in _CAPS if seconds <= most), MAX_NEW_TOKENS)


def search(parameters: Parameters, number: int) -> Search:
    """Return the decoding options of attempt ``number``, counted from 0."""
    temperature = parameters.temperature[number]
    is_sampled = temperature > 0
    return Search(
        temperature=temperature,
        beam_size=1 if is_sampled else parameters.beam_size,
        # CTranslate2 rejects beam_size * patience < 1.
        patience=1.0 if is_sampled else max(parameters.patience, 1 / parameters.beam_size),
        best_of=parameters.best_of if is_sampled else 1,
        without_timestamps=parameters.without_timestamps,
        length_penalty=parameters.length_penalty,
        repetition_penalty=parameters.repetition_penalty,
        no_repeat_ngram_size=parameters.no_repeat_ngram_size,
    )


def may_be_another_language(task: DecodeTask, verdict: Verdict) -> bool:
    """Whether a rejected window may be in another language than the rest of the recording."""
    parameters = task.job.parameters
    is_first = _is_first(task) and not task.job.is_continued
    is_settled = is_first or task.language is not None or parameters.language is not None
    return bool(verdict.gate) and not is_settled and parameters.vad_filter


def has_doubtful_language(task: DecodeTask, verdict: Verdict) -> bool:
    """Whether a loop may come from the recording's language, which was barely detected here."""
    job = task.job
    is_known = job.parameters.language is not None or job.is_continued or task.language is not None
    is_doubtful = job.language_probability < _DOUBTFUL_LANGUAGE and job.possible_language is None
    return _is_first(task) and not is_known and is_doubtful and verdict.gate == "repetitive"


def in_possible_language(
    task: DecodeTask, verdict: Verdict, language: str, probability: float
) -> Verdict:
    """Return a fallback in the next most probable language of a recording if it is possible."""
    if probability < _POSSIBLE_LANGUAGE:
        return verdict
    task.job.possible_language, task.job.is_in_doubt = (language, probability), True
    return _again(task, verdict, language)


def settle_language(task: DecodeTask, verdict: Verdict) -> Verdict:
    """End the trial of a possible language.

    It becomes the recording's if its text is accepted. If it is refused as well, the following
    attempts are in the language that was detected, and its text is not chosen from.
    """
    job = task.job
    if job.possible_language is None or not _is_first(task):
        return verdict
    following = verdict.fallback
    # A trial goes on in a longer window, or without a prompt or limit: no earlier attempt counts.
    goes_on = task.language is not None and following is not None and not following.attempts
    job.is_in_doubt = goes_on
    if task.language is None:
        return verdict
    if verdict.accepted:
        job.language, job.language_probability = job.possible_language
    elif following and not goes_on:
        return replace(verdict, fallback=replace(following, language=None, attempts=()))
    return verdict


def in_language(task: DecodeTask, verdict: Verdict, language: str, probability: float) -> Verdict:
    """Return a fallback in ``language`` if it is not the one used and is likely enough."""
    is_other = language != task.spoken and probability >= _EVIDENT_LANGUAGE
    return _again(task, verdict, language) if is_other else verdict


def _is_first(task: DecodeTask) -> bool:
    return task.position == 0 and task.seek == 0


def _again(task: DecodeTask, verdict: Verdict, language: str) -> Verdict:
    again = replace(
        task,
        language=language,
        forced_prefix=(),
        search=search(task.job.parameters, 0),
        max_new_tokens=most_tokens(task.features.shape[1]),
        attempts=(),
        doubted=None,
    )
    return Verdict(fallback=again, gate=verdict.gate)


def _is_loop(attempts: tuple[Attempt, ...], one: Attempt, parameters: Parameters) -> bool:
    """Whether an attempt is repetitive, or the beginning of what another one repeats."""
    is_any = any(gates.is_repetitive(attempt, parameters) for attempt in attempts)
    return is_any and gates.is_loop(one, parameters)


def _believe(attempt: Attempt, parameters: Parameters) -> Verdict:
    if gates.is_silent(attempt, parameters):
        return Verdict(gate="silent")
    if gates.is_invented(attempt, parameters):
        return Verdict(gate="invented")
    return Verdict(accepted=attempt)


def _confirm(doubted: Attempt, attempt: Attempt, parameters: Parameters) -> Verdict:
    """Accept a possible echo of the prompt if decoding without the prompt gives a similar text."""
    if gates.refusing(attempt, parameters):
        return Verdict(gate="invented")
    verdict = _believe(attempt, parameters)
    is_heard = verdict.accepted is not None and gates.is_alike(doubted, attempt)
    return Verdict(accepted=doubted) if is_heard else verdict


def _next_attempt(
    task: DecodeTask, attempts: tuple[Attempt, ...], gate: str, max_fallbacks: int
) -> DecodeTask | None:
    if _is_cut_off(task, attempts[-1], gate):
        return replace(task, max_new_tokens=MAX_NEW_TOKENS)
    if not gate:
        return _without_prompt(task, attempts[-1])
    task = replace(task, max_new_tokens=most_tokens(task.features.shape[1]))
    first = search(task.job.parameters, 0)
    if task.forced_prefix and task.begins_with == task.forced_prefix:
        return replace(task, search=first, forced_prefix=(), attempts=())
    if not task.is_live and task.frames < MAX_FRAMES:
        return replace(task, frames=MAX_FRAMES, search=first, attempts=())
    return _warmer(task, attempts, gate, max_fallbacks)


def _warmer(
    task: DecodeTask, attempts: tuple[Attempt, ...], gate: str, max_fallbacks: int
) -> DecodeTask | None:
    """Return an attempt at the next temperature, or None if no more are allowed."""
    parameters = task.job.parameters
    if task.priority == Priority.PARTIAL and gate != "repetitive":
        return None  # the next partial will follow soon
    allowed = min(1, max_fallbacks) if task.is_live else max_fallbacks
    temperatures = _temperatures(parameters, gate)
    if len(attempts) >= min(len(temperatures), 1 + allowed):
        return None
    again = search(replace(parameters, temperature=temperatures), len(attempts))
    if task.is_live:
        # Half the width of the first attempt: a caller is waiting for this live result.
        widest = max(1, parameters.beam_size // 2)
        again = replace(again, best_of=min(again.best_of, widest))
    return replace(task, search=again, attempts=attempts)


def _is_cut_off(task: DecodeTask, attempt: Attempt, gate: str) -> bool:
    """Whether a text reached the token limit without being a loop, and may go on."""
    cap = task.max_new_tokens
    most = task.features.shape[1] * _TOKENS_PER_SECOND // FRAMES_PER_SECOND
    is_at_cap = len(attempt.tokens) >= cap and cap < min(most, MAX_NEW_TOKENS)
    return is_at_cap and gate != "repetitive"


def _without_prompt(task: DecodeTask, attempt: Attempt) -> DecodeTask | None:
    if not gates.may_be_echo(attempt, task.job.parameters):
        return None
    return replace(task, prompt=(), terms=(), prefix=(), doubted=attempt)


def _temperatures(parameters: Parameters, gate: str) -> tuple[float, ...]:
    """Return the temperatures to try; a loop gets the default ones if only one was requested."""
    asked = parameters.temperature
    if gate != "repetitive" or len(asked) > 1:
        return asked
    return (*asked, *(one for one in Parameters().temperature if one > asked[0]))
