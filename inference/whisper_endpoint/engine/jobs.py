# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The engine's units of work: a Job is a recording, a DecodeTask one attempt at a window of it.

The engine process turns a recording into a Job with a :class:`Scheduling` (its priority, the
utterance it is a state of, the text it is known to begin with). The scheduler queues the job's
tasks and hands out batches of tasks with equal :class:`BatchKey`. The engine decodes a batch and
turns each task into a result or into the window's next task (another temperature, the full window,
the rest of the window), which is queued again at its old position.
"""

import itertools
from collections.abc import Iterable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.engine.attempts import gates
from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.errors import EndpointError
from whisper_endpoint.messages import Parameters, PreparedWindow, Priority
from whisper_endpoint.transcript import (
    Segment,
    Transcript,
    WindowResult,
    assemble,
    most_spoken,
)

MAX_CONTEXT = 223
"""Maximum tokens before the transcript starts: half of the decoder's 448 positions, less one."""

MAX_PREFIX = 112
"""Maximum tokens of a forced beginning: leaves room for as many again, whatever the context."""

# faster-whisper's prompt_reset_on_temperature.
_UNSURE_TEMPERATURE = 0.5


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The known beginning of the first window; only the rest is decoded.

    Attributes
    ----------
    segments : tuple of Segment
        At least one.
    seek : int
        Frame of the window at which the segments end.
    language : str
        Of the segments; ``language_probability`` is that of its detection.
    """

    segments: tuple[Segment, ...]
    seek: int
    language: str
    language_probability: float


@dataclass(frozen=True, kw_only=True)
class Scheduling:
    """How a recording is scheduled, beyond the parameters of its request.

    Attributes
    ----------
    priority : Priority
        FINAL and PARTIAL are live: a caller is waiting. FILE yields to both.
    utterance : str or None
        Recordings with the same key are states of one utterance, each longer than the one before.
        A newer one replaces a queued PARTIAL of this key, which is answered with Superseded.
    beginning : Beginning or None
        Known beginning of the first window, which is not decoded again.
    forced_prefix : tuple of int
        Text tokens, no timestamps, that the decoded part of the first window starts with; the model
        continues from there. Empty: none. Dropped when a gate rejects the continuation.
    prefix_language : str or None
        Language of the forced prefix, which has no effect in another one. None: any.
    """

    priority: Priority
    utterance: str | None = None
    beginning: Beginning | None = None
    forced_prefix: tuple[int, ...] = ()
    prefix_language: str | None = None


@dataclass(frozen=True)
class Superseded:
    """The result of a queued partial that was replaced by a newer state of its utterance."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Decoding options for CTranslate2; equal for all windows of a batch.

    Attributes
    ----------
    temperature : float
        0: beam search; above: sampling.
    beam_size : int
        1 when sampling.
    patience : float
        1 when sampling.
    best_of : int
        Number of sampled candidates; 1 with beam search.
    without_timestamps : bool
        Generate no timestamps: the window becomes one segment.
    length_penalty, repetition_penalty : float
        1: none.
    no_repeat_ngram_size : int
        0: none.
    """

    temperature: float
    beam_size: int
    patience: float
    best_of: int
    without_timestamps: bool = False
    length_penalty: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0


class BatchKey(NamedTuple):
    """Windows with an equal key may be decoded together, whatever their languages.

    ``frames`` go to the encoder (it has no attention mask, so all must have one length);
    ``prompt_length`` tokens precede the start of the transcript.
    """

    frames: int
    prompt_length: int
    search: Search


class Job:
    """A recording, or a part of a long one, inside the engine.

    Parameters
    ----------
    windows : tuple of PreparedWindow
        In chronological order.
    parameters : Parameters
        Of the request; if ``language`` is None it is detected in the first window.
    deadline : float
        ``time.monotonic`` after which none of its windows is decoded.
    scheduling : Scheduling, optional
        Default: one window is a final, several are a file.
    language : str, optional
        Language of an earlier part of the recording, if the request has none.

    Attributes
    ----------
    language : str or None
        Given, or that of the first decoded window: a recording has one language. If each window has
        its own, then at the end the one with the most speech.
    language_probability : float
        Of the detected language, 0 to 1; 1 if it was given, 0 while unknown.
    possible_language : (str, float) or None
        Another language that is tried because the detected one is doubtful, and its probability.
    is_in_doubt : bool
        Whether that trial is in progress; windows after the first wait for its end.
    is_continued : bool
        The language comes from an earlier part.
    number : int
        Order of arrival, set by the scheduler: among equal priorities the lowest goes first.
    future : Future
        Resolves to the Transcript, to Superseded, or to an EndpointError.
    """

    def __init__(
        self,
        windows: tuple[PreparedWindow, ...],
        parameters: Parameters,
        deadline: float,
        scheduling: Scheduling | None = None,
        language: str | None = None,
    ) -> None:
        self.windows = windows
        self.parameters = parameters
        self.deadline = deadline
        self.scheduling = scheduling or Scheduling(priority=Priority.by_length(len(windows)))
        self.number = 0
        self.is_continued = language is not None
        self.language = parameters.language or language
        self.language_probability = 1.0 if self.language else 0.0
        self.possible_language: tuple[str, float] | None = None
        self.is_in_doubt = False
        self._probabilities: dict[str, float] = {}
        if (beginning := self.scheduling.beginning) is not None:
            self.detected(beginning.language, beginning.language_probability)
        self.future: Future[Transcript | Superseded | EndpointError] = Future()
        self._results: dict[int, WindowResult] = {}
        if not windows:
            self.resolve(assemble(self.language or "", (), self.language_probability))

    @property
    def is_over(self) -> bool:
        """Whether it has been answered or cancelled."""
        return self.future.done()

    def add(self, position: int, result: WindowResult) -> None:
        """Store a window's result; the last one resolves the future."""
        self._results[position] = result
        self.language = self.language or result.language
        if len(self._results) == len(self.windows):
            ordered = [self._results[number] for number in range(len(self.windows))]
            if self.parameters.multilingual and self.parameters.language is None:
                self.language = most_spoken((one.language, one.segments) for one in ordered)
                self.language_probability = self._probabilities.get(self.language, 0.0)
            self.resolve(assemble(self.language, ordered, self.language_probability))

    def detected(self, language: str, probability: float) -> None:
        """Set the language unless it is known already."""
        best = max(probability, self._probabilities.get(language, 0.0))
        self._probabilities[language] = best
        if self.language is None:
            self.language, self.language_probability = language, probability

    def has_heard_all_before(self, position: int) -> bool:
        """Whether every window before this position has its result."""
        return all(before in self._results for before in range(position))

    def tokens_before(self, position: int) -> tuple[int, ...]:
        """Return the tokens of the windows before this position, including timestamps.

        Leaves out text sampled at a high temperature or rejected by a gate, and everything before
        it: it is unreliable as context (faster-whisper's prompt_reset_on_temperature).
        """
        before = (self._results[number].segments for number in range(position))
        return _sure_tokens(itertools.chain.from_iterable(before), self.parameters)

    def resolve(self, answer: Transcript | Superseded | EndpointError) -> None:
        """Answer the job, unless it has been answered already."""
        try:
            self.future.set_result(answer)
        except InvalidStateError:
            return


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodeTask:
    """One attempt at a window: a single pass through encoder and decoder.

    Attributes
    ----------
    job : Job
        The job that the task belongs to; nothing else is shared between tasks.
    position : int
        The window's index in the job.
    frames : int
        Length that the features are padded to, in frames of 10 ms.
    max_new_tokens : int
        Token limit of the text, from the length of the audio.
    prompt : tuple of int
        Tokens of the initial prompt, if it precedes this attempt.
    terms : tuple of int
        Tokens of names and words to expect.
    prefix : tuple of int
        Text tokens that the caller wants the text to begin with.
    forced_prefix : tuple of int
        Text tokens that the text is known to begin with.
    seek : int
        Frame of the window at which this attempt begins.
    attempts : tuple of Attempt
        Attempts rejected so far at the same ``seek`` and ``frames``.
    segments : tuple of Segment
        Segments found before ``seek``.
    language : str or None
        Of this window, if it differs from the recording's or each window has its own.
    doubted : Attempt or None
        An attempt that may just repeat the prompt; this one checks it without the prompt.
    is_rest : bool
        Whether the model has ended its text before this part of the window, although it has speech.
    in_context : WindowResult or DecodeTask or None
        Outcome of an attempt with the text before it, which left out speech. This one is without
        that text; if it is refused or the deadline passes, that outcome counts.
    """

    job: Job
    position: int
    frames: int
    search: Search
    max_new_tokens: int
    prompt: tuple[int, ...] = ()
    terms: tuple[int, ...] = ()
    prefix: tuple[int, ...] = ()
    forced_prefix: tuple[int, ...] = ()
    seek: int = 0
    attempts: tuple[Attempt, ...] = ()
    segments: tuple[Segment, ...] = ()
    language: str | None = None
    doubted: Attempt | None = None
    is_rest: bool = False
    in_context: "WindowResult | DecodeTask | None" = None

    @property
    def key(self) -> BatchKey:
        """The key of the batches that it may join."""
        return BatchKey(self.frames, len(self.context), self.search)

    @property
    def context(self) -> tuple[int, ...]:
        """Tokens before the start of the transcript: terms, initial prompt, earlier text."""
        is_alone = self.in_context is not None
        # In a later part of a recording, the prompt is the text of earlier parts.
        earlier = () if is_alone and self.job.is_continued else self.prompt
        if self.is_conditioned and not is_alone:
            earlier += self.job.tokens_before(self.position)
            earlier += _sure_tokens(self.segments, self.job.parameters)
        room = MAX_CONTEXT - len(self.terms)
        return self.terms + earlier[max(0, len(earlier) - room) :]

    @property
    def begins_with(self) -> tuple[int, ...]:
        """Text tokens that the transcript is made to begin with."""
        is_other = self.job.scheduling.prefix_language not in (None, self.spoken)
        return self.prefix if is_other else self.forced_prefix or self.prefix

    @property
    def is_conditioned(self) -> bool:
        """Whether the preceding text is given to the model as context."""
        return bool(self.job.parameters.condition_on_previous_text)

    @property
    def priority(self) -> Priority:
        """The priority of its job."""
        return self.job.scheduling.priority

    @property
    def is_live(self) -> bool:
        """Whether it is part of a call."""
        return self.priority == Priority.PARTIAL or self.job.scheduling.utterance is not None

    @property
    def needs_language(self) -> bool:
        """Whether its language still has to be detected."""
        parameters = self.job.parameters
        if parameters.language is not None or self.language is not None:
            return False
        return parameters.multilingual or self.job.language is None

    @property
    def spoken(self) -> str:
        """The language that it is decoded in."""
        return self.language or self.job.language or "en"

    @property
    def is_ready(self) -> bool:
        """Whether it can be decoded: what it needs of earlier windows is known."""
        if self.is_conditioned:
            return self.job.has_heard_all_before(self.position)
        if self.position == 0 or self.job.parameters.multilingual:
            return True
        return self.job.language is not None and not self.job.is_in_doubt

    @property
    def features(self) -> NDArray[np.floating]:
        """Features of this attempt, shape (n_mels, at most ``frames``), not padded."""
        whole = self.job.windows[self.position].features
        return whole[:, self.seek : self.seek + self.frames]


def _sure_tokens(segments: Iterable[Segment], parameters: Parameters) -> tuple[int, ...]:
    tokens: list[int] = []
    for segment in segments:
        if segment.temperature > _UNSURE_TEMPERATURE or not gates.is_sound(segment, parameters):
            tokens.clear()
        else:
            tokens += segment.tokens
    return tuple(tokens)
