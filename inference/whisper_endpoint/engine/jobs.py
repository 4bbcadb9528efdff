# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What waits in the engine: a recording is a Job, each attempt at one of its windows a DecodeTask.

The engine's process turns a recording into a Job with a :class:`Scheduling` (how important it is,
which utterance it is a state of, what text it is known to begin with). The scheduler queues the
job's tasks and hands out batches of tasks whose :class:`BatchKey` is equal; the engine decodes a
batch and makes of each task either a result or the window's next task (another temperature, the
full window, the rest of the window), which is queued again in the position that it had.
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
from whisper_endpoint.transcript import Segment, Transcript, WindowResult, assemble

MAX_CONTEXT = 223
"""Tokens before the start of the transcript: half of the decoder's 448 positions, less one."""

MAX_PREFIX = 112
"""Tokens that a text may be made to begin with: as many again can follow, whatever the context."""

# faster-whisper's prompt_reset_on_temperature.
_UNSURE_TEMPERATURE = 0.5


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What is known of the first window's beginning, so that only the rest of it is heard.

    Attributes
    ----------
    segments : tuple of Segment
        At least one.
    seek : int
        Frame of the window at which they end.
    language : str
        Theirs, and the probability with which it was detected.
    """

    segments: tuple[Segment, ...]
    seek: int
    language: str
    language_probability: float


@dataclass(frozen=True, kw_only=True)
class Scheduling:
    """How a recording is treated, apart from what its caller asked for.

    Attributes
    ----------
    priority : Priority
        FINAL and PARTIAL are live: somebody waits. FILE yields to both.
    utterance : str or None
        Recordings of one key are states of one utterance, each longer than the one before: a newer
        one replaces a PARTIAL of this key that still waits, which is answered with Superseded.
    beginning : Beginning or None
        What the first window is known to begin with, and is not heard again.
    forced_prefix : tuple of int
        Text tokens, no timestamps, that what is heard of the first window begins with; the model
        goes on from there. Empty: nothing is known. Dropped when a gate refuses what followed.
    """

    priority: Priority
    utterance: str | None = None
    beginning: Beginning | None = None
    forced_prefix: tuple[int, ...] = ()


@dataclass(frozen=True)
class Superseded:
    """The result of a partial that a newer state of its utterance replaced while it waited."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """How CTranslate2 looks for the text; windows of one batch have it in common.

    Attributes
    ----------
    temperature : float
        0: beam search; above: sampling.
    beam_size : int
        1 when sampling.
    patience : float
        1 when sampling.
    best_of : int
        Candidates sampled; 1 with beam search.
    without_timestamps : bool
        The text has none: its window is one segment.
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

    ``frames`` go to the encoder (there is no attention mask, so all share a length);
    ``prompt_length`` tokens stand before the start of the transcript.
    """

    frames: int
    prompt_length: int
    search: Search


class Job:
    """A recording, or a part of a long one, inside the engine.

    Parameters
    ----------
    windows : tuple of PreparedWindow
        In order of time.
    parameters : Parameters
        As the request has them; with ``language`` None it is detected in the first window.
    deadline : float
        Time of ``time.monotonic`` after which no window of it is decoded.
    scheduling : Scheduling, optional
        By default: one window is a final, several are a file.
    language : str, optional
        That of an earlier part of the recording, where the request does not say.

    Attributes
    ----------
    language : str or None
        Given, or that of the first window decoded: one recording has one language.
    language_probability : float
        Of the language detected, 0 to 1; 1 if it was given, 0 while it is not known.
    is_continued : bool
        The language is that of an earlier part.
    number : int
        Order of arrival, from the scheduler: among equal priorities the lowest goes first.
    future : Future
        Resolves to the Transcript, to Superseded, or to the EndpointError that refuses it.
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
        if (beginning := self.scheduling.beginning) is not None:
            self.detected(beginning.language, beginning.language_probability)
        self.future: Future[Transcript | Superseded | EndpointError] = Future()
        self._results: dict[int, WindowResult] = {}
        if not windows:
            self.resolve(assemble(self.language or "", (), self.language_probability))

    @property
    def is_over(self) -> bool:
        """Whether it has its answer, or nobody waits for one."""
        return self.future.done()

    def add(self, position: int, result: WindowResult) -> None:
        """Take a window's result; the last one resolves the future."""
        self._results[position] = result
        self.language = self.language or result.language
        if len(self._results) == len(self.windows):
            ordered = (self._results[number] for number in range(len(self.windows)))
            self.resolve(assemble(self.language, ordered, self.language_probability))

    def detected(self, language: str, probability: float) -> None:
        """Take the language of the first window, unless it is known."""
        if self.language is None:
            self.language, self.language_probability = language, probability

    def has_heard_all_before(self, position: int) -> bool:
        """Whether every window before the one of this position has its result."""
        return all(before in self._results for before in range(position))

    def tokens_before(self, position: int) -> tuple[int, ...]:
        """Return what was said in the windows before the one of this position, timestamps included.

        What was sampled at a high temperature or passed no gate, and all before it, is left out: it
        is too unsure to go on from (faster-whisper's prompt_reset_on_temperature).
        """
        before = (self._results[number].segments for number in range(position))
        return _sure_tokens(itertools.chain.from_iterable(before), self.parameters)

    def resolve(self, answer: Transcript | Superseded | EndpointError) -> None:
        """Answer, unless there is an answer already."""
        try:
            self.future.set_result(answer)
        except InvalidStateError:
            return


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodeTask:
    """One attempt at a window: what the encoder and the decoder do with it at once.

    Attributes
    ----------
    job : Job
        What the task belongs to; nothing else is shared between tasks.
    position : int
        The window's index in the job.
    frames : int
        Length that the features are padded to, in frames of 10 ms.
    max_new_tokens : int
        Tokens after which its text ends, by the length of the audio.
    prompt : tuple of int
        Tokens of the initial prompt, where it goes before this attempt.
    terms : tuple of int
        Tokens of names and words to expect.
    prefix : tuple of int
        Text tokens that the caller wants the text to begin with.
    forced_prefix : tuple of int
        Text tokens that the text is known to begin with.
    seek : int
        Frame of the window at which this attempt begins.
    attempts : tuple of Attempt
        Refused before, at the same ``seek`` and ``frames``.
    segments : tuple of Segment
        Heard before ``seek``.
    language : str or None
        Of this window, where each has its own or another than the recording's was heard.
    doubted : Attempt or None
        One whose text may have been read off the prompt; this one goes without the prompt.
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

    @property
    def key(self) -> BatchKey:
        """With what it may be decoded together."""
        return BatchKey(self.frames, len(self.context), self.search)

    @property
    def context(self) -> tuple[int, ...]:
        """Tokens that go before the start of the transcript: terms, then earlier text."""
        earlier = self.prompt
        if self.is_conditioned:
            earlier += self.job.tokens_before(self.position)
            earlier += _sure_tokens(self.segments, self.job.parameters)
        room = MAX_CONTEXT - len(self.terms)
        return self.terms + earlier[max(0, len(earlier) - room) :]

    @property
    def begins_with(self) -> tuple[int, ...]:
        """Text tokens that the text begins with."""
        return self.forced_prefix or self.prefix

    @property
    def is_conditioned(self) -> bool:
        """Whether it is given the text of what was heard before it."""
        return bool(self.job.parameters.condition_on_previous_text)

    @property
    def priority(self) -> Priority:
        """The job's."""
        return self.job.scheduling.priority

    @property
    def is_live(self) -> bool:
        """Whether it is part of a call."""
        return self.priority == Priority.PARTIAL or self.job.scheduling.utterance is not None

    @property
    def needs_language(self) -> bool:
        """Whether its language is not known yet."""
        parameters = self.job.parameters
        if parameters.language is not None or self.language is not None:
            return False
        return parameters.multilingual or self.job.language is None

    @property
    def spoken(self) -> str:
        """Language that it is decoded in."""
        return self.language or self.job.language or "en"

    @property
    def is_ready(self) -> bool:
        """Whether it can be decoded: what it needs to know of earlier windows is known."""
        if self.is_conditioned:
            return self.job.has_heard_all_before(self.position)
        parameters = self.job.parameters
        return self.position == 0 or self.job.language is not None or parameters.multilingual

    @property
    def features(self) -> NDArray[np.floating]:
        """Features heard in this attempt, shape (n_mels, at most ``frames``), not padded."""
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
