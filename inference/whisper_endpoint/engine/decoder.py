# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decodes a batch of windows, of any requests, into segments; calls CTranslate2 directly."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from whisper_endpoint.audio.features import MAX_FRAMES, stack
from whisper_endpoint.engine import pauses, window_lengths, words
from whisper_endpoint.engine.attempts import fallback, gates, languages, loop_cutting, unsaid_copies
from whisper_endpoint.engine.attempts.fallback import Verdict
from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.attempts.generation import generate
from whisper_endpoint.engine.jobs import MAX_PREFIX, DecodeTask, Job
from whisper_endpoint.engine.model import languages_of, load_model, timed
from whisper_endpoint.engine.observer import BatchReport
from whisper_endpoint.engine.prompts import PromptReader, PromptTokens
from whisper_endpoint.engine.segments import (
    Accepted,
    accept,
    advance_of,
    leaves_out_speech,
    rest_of,
    segments_of,
)
from whisper_endpoint.engine.window_lengths import WindowLengths
from whisper_endpoint.errors import DeadlineExceeded
from whisper_endpoint.messages import Parameters, Priority
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Segment, WindowResult

_FRAMES_PER_STEP = 2
# Compute types whose encoder takes float16 features.
_HALF = frozenset({"float16", "int8_float16"})


@dataclass(frozen=True)
class Decoded:
    """The result of decoding a batch.

    Attributes
    ----------
    outcomes : list of WindowResult or DecodeTask
        For each task the result of its window, or the window's next task.
    """

    outcomes: list[WindowResult | DecodeTask]
    report: BatchReport


class WhisperEngine:
    """A loaded model that decodes batches. May be called from ``workers`` threads at once.

    Parameters
    ----------
    model : ctranslate2.models.Whisper
    tokenizer : tokenizers.Tokenizer
    max_fallbacks : int
        Maximum number of temperatures tried after the first.
    lengths : WindowLengths, optional
        Default: 30 s only.
    short_finals : bool or "detected", optional
        Whether finals may use short windows: all, or only requests with speech detection.
    workers : int, optional
        Number of batches that the model decodes at once.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: tokenizers.Tokenizer,
        max_fallbacks: int,
        *,
        lengths: WindowLengths | None = None,
        short_finals: bool | Literal["detected"] = False,
        workers: int = 1,
    ) -> None:
        self._model = model
        self._tokens = tokenizer
        self._max_fallbacks = max_fallbacks
        self._lengths = lengths or WindowLengths((MAX_FRAMES,))
        self._short_finals = short_finals
        self.workers = workers
        self.facts = ModelInfo(
            model.n_mels,
            languages_of(model, tokenizer),
            model.is_multilingual,
            self._lengths.pause_s,
            is_half=model.device == "cuda" and model.compute_type in _HALF,
        )
        self._tokenizer = lru_cache(maxsize=None)(self._make_tokenizer)
        self._prompts = PromptReader(tokenizer, self.end_token)
        self._suppressed = list(get_suppressed_tokens(self._tokenizer("en", "transcribe"), [-1]))

    @classmethod
    def load(cls, weights: Path, device: str, settings: EndpointSettings) -> "WhisperEngine":
        """Load weights and the window lengths declared with them; see :func:`model.load_model`.

        Raises
        ------
        ModelNotLoadable, InvalidSetting
        """
        model, tokenizer, workers = load_model(weights, device, settings)
        lengths = window_lengths.read(weights, model.n_mels)
        setting = settings.final_windows
        is_short = setting == "short" or (lengths.is_declared and setting != "full")
        return cls(
            model,
            tokenizer,
            settings.max_fallbacks,
            lengths=lengths,
            short_finals=is_short or (setting == "auto" and device == "cpu" and "detected"),
            workers=workers,
        )

    @property
    def takes_batches(self) -> bool:
        """Whether the windows of a batch are encoded together, which takes memory for all."""
        is_gpu: bool = self._model.device != "cpu"
        return is_gpu

    @property
    def end_token(self) -> int:
        """The end-of-text token; lower ids are text, higher ones special tokens or timestamps."""
        token: int = self._tokenizer("en", "transcribe").eot
        return token

    def tasks(self, job: Job) -> list[DecodeTask]:
        """Return the first task of each of a job's windows, in order.

        Terms precede every window. The initial prompt and the prefixes precede only the first; with
        ``condition_on_previous_text`` the initial prompt precedes every window.
        """
        prompt = self._prompts.read(job.parameters)
        return [self._first_task(job, position, prompt) for position in range(len(job.windows))]

    def unfit(self, parameters: Parameters) -> tuple[str, ...]:
        """Return a warning sentence for each part of the terms and prompts that does not fit."""
        return self._prompts.read(parameters).warnings

    def _first_task(self, job: Job, position: int, prompt: PromptTokens) -> DecodeTask:
        is_first = position == 0
        has_prompt = is_first or job.parameters.condition_on_previous_text
        beginning = job.scheduling.beginning if is_first else None
        seek = beginning.seek if beginning else 0
        frames = job.windows[position].features.shape[1] - seek
        return DecodeTask(
            job=job,
            position=position,
            frames=self._frames_for(job, frames),
            search=fallback.search(job.parameters, 0),
            max_new_tokens=fallback.most_tokens(frames),
            prompt=prompt.initial if has_prompt else (),
            terms=prompt.terms,
            prefix=prompt.prefix if is_first else (),
            forced_prefix=job.scheduling.forced_prefix[:MAX_PREFIX] if is_first else (),
            seek=seek,
            segments=beginning.segments if beginning else (),
            language=beginning.language if beginning else None,
        )

    def transcribe(self, job: Job) -> list[WindowResult]:
        """Decode a job's windows one after the other, without a scheduler.

        Raises
        ------
        DeadlineExceeded
            504: the deadline passed before the last attempt had begun.
        RuntimeError
            CTranslate2 failed; the device may be unusable.
        """
        results = []
        for task in self.tasks(job):
            outcome: DecodeTask | WindowResult = task
            while isinstance(outcome, DecodeTask):
                if time.monotonic() > job.deadline:
                    if isinstance(outcome.in_context, WindowResult):
                        outcome = outcome.in_context
                        break
                    raise DeadlineExceeded(
                        "The transcript was not finished in time: send shorter audio, or fewer "
                        "requests at once."
                    )
                (outcome,) = self.decode([outcome]).outcomes
            job.add(task.position, outcome)
            results.append(outcome)
        return results

    def decode(self, batch: Sequence[DecodeTask]) -> Decoded:
        """Make one attempt at each window; the tasks must have equal keys.

        Raises
        ------
        RuntimeError
            CTranslate2 failed; the device may be unusable.
        """
        started = time.monotonic()
        encoded, encode_s = timed(lambda: self._encode(batch))
        batch = self._in_their_languages(encoded, batch)
        tokenizers_ = [self._tokenizer(one.spoken, one.job.parameters.task) for one in batch]
        attempts, generate_s = timed(
            lambda: generate(self._model, encoded, batch, tokenizers_, self._suppressed)
        )
        verdicts = [
            fallback.judge(
                task,
                attempt,
                max_fallbacks=self._max_fallbacks,
                is_late=time.monotonic() > task.job.deadline,
            )
            for task, attempt in zip(batch, attempts, strict=True)
        ]
        verdicts = self._in_other_languages(encoded, batch, verdicts)
        accepted = [
            accept(task, _without_loop(task, verdict, tokenizer), tokenizer)
            if verdict.accepted
            else None
            for task, verdict, tokenizer in zip(batch, verdicts, tokenizers_, strict=True)
        ]
        accepted, align_s = timed(lambda: self._align(encoded, accepted, tokenizers_))
        outcomes = [
            self._outcome(task, verdict, one, tokenizer)
            for task, verdict, one, tokenizer in zip(
                batch, verdicts, accepted, tokenizers_, strict=True
            )
        ]
        report = BatchReport(
            key=batch[0].key,
            size=len(batch),
            waited_s=(),
            encode_s=encode_s,
            generate_s=generate_s,
            align_s=align_s,
            total_s=time.monotonic() - started,
            tokens=sum(len(attempt.tokens) for attempt in attempts),
            gates=tuple(verdict.gate for verdict in verdicts if verdict.gate),
        )
        return Decoded(outcomes, report)

    def _encode(self, batch: Sequence[DecodeTask]) -> Any:
        """Encode a batch: on a GPU all at once, on a CPU window by window.

        On a CPU, eight windows of 30 s together take eight times the memory and save no time
        (docs/adr/0007). Generating their text together pays on both.
        """
        frames, windows = batch[0].frames, [task.features for task in batch]
        if len(windows) == 1 or self.takes_batches:
            return self._encode_at_once(windows, frames)
        encoded = [np.asarray(self._encode_at_once([one], frames)) for one in windows]
        return ctranslate2.StorageView.from_array(np.concatenate(encoded))

    def _encode_at_once(self, windows: Sequence[NDArray[np.floating]], frames: int) -> Any:
        return self._model.encode(ctranslate2.StorageView.from_array(stack(windows, frames)))

    def _in_their_languages(
        self, encoded: Any, batch: Sequence[DecodeTask]
    ) -> Sequence[DecodeTask]:
        """Detect the language of the tasks that do not have one yet."""
        if not any(task.needs_language for task in batch):
            return batch
        heard = [
            languages.choose(ranking, task.job.parameters.languages, task.features.shape[1])
            for task, ranking in zip(batch, self._model.detect_language(encoded), strict=True)
        ]
        for task, (language, probability) in zip(batch, heard, strict=True):
            if task.needs_language:
                task.job.detected(language, probability)
        return [
            replace(task, language=language) if task.needs_language else task
            for task, (language, _) in zip(batch, heard, strict=True)
        ]

    def _in_other_languages(
        self, encoded: Any, batch: Sequence[DecodeTask], verdicts: list[Verdict]
    ) -> list[Verdict]:
        """Schedule rejected windows again in another language, where that is likely enough.

        It is the one detected there; where that has just become the recording's, the next one.
        """
        pairs = list(zip(batch, verdicts, strict=True))
        verdicts = [fallback.settle_language(*pair) for pair in pairs]
        doubtful = [row for row, pair in enumerate(pairs) if fallback.has_doubtful_language(*pair)]
        failed = [row for row, pair in enumerate(pairs) if fallback.may_be_another_language(*pair)]
        if not (failed or doubtful) or not self._model.is_multilingual:
            return verdicts
        rankings = self._model.detect_language(encoded)
        for row in failed:
            task = batch[row]
            frames = task.features.shape[1]
            heard = languages.choose(rankings[row], task.job.parameters.languages, frames)
            verdicts[row] = fallback.in_language(task, verdicts[row], *heard)
        for row in doubtful:
            task = batch[row]
            allowed = task.job.parameters.languages
            heard = languages.next_best(rankings[row], allowed, task.spoken)
            verdicts[row] = fallback.in_possible_language(task, verdicts[row], *heard)
        return verdicts

    def _align(
        self, encoded: Any, accepted: Sequence[Accepted | None], tokenizers_: Sequence[Any]
    ) -> list[Accepted | None]:
        """Add word times; rows of the batch without text are aligned with an empty text."""
        rows = list(accepted)
        wanting = {row: one for row, one in enumerate(rows) if one and _needs_words(one)}
        # One call for each language and task: all rows of a call share the start sequence.
        for sequence in {tuple(tokenizers_[row].sot_sequence) for row in wanting}:
            texts: list[list[int]] = [[] for _ in rows]
            frames = [1 for _ in rows]
            mine = [row for row in wanting if tuple(tokenizers_[row].sot_sequence) == sequence]
            for row in mine:
                spans = wanting[row].spans
                texts[row] = [t for s in spans for t in words.text_tokens(s, tokenizers_[row])]
                # CTranslate2 aligns in steps of two frames; with less it returns no alignment.
                frames[row] = max(_FRAMES_PER_STEP, wanting[row].task.features.shape[1])
            alignments = self._model.align(encoded, list(sequence), texts, frames)
            for row in mine:
                tokenizer = tokenizers_[row]
                aligned = words.with_words(wanting[row], alignments[row], tokenizer)
                rows[row] = unsaid_copies.without_unsaid(aligned, tokenizer.eot)
        return rows

    def _outcome(
        self, task: DecodeTask, verdict: Verdict, accepted: Accepted | None, tokenizer: Any
    ) -> WindowResult | DecodeTask:
        found = segments_of(accepted, tokenizer) if accepted is not None else []
        # A retry has one attempt: no text in another language or sampled at a high temperature
        # replaces the first one.
        if task.in_context is not None and (verdict.gate or not _is_whole(task, found)):
            return task.in_context
        if verdict.fallback is not None:
            return verdict.fallback
        outcome = self._following(task, verdict, accepted, found)
        return _without_text_before(task, found, outcome) or outcome

    def _following(
        self, task: DecodeTask, verdict: Verdict, accepted: Accepted | None, found: list[Segment]
    ) -> WindowResult | DecodeTask:
        """Return the window's result, or the task for the rest of it."""
        content = task.job.windows[task.position].features.shape[1]
        segments = (*task.segments, *found)
        seek = task.seek + (advance_of(accepted) if accepted else task.features.shape[1])
        # A live caller is waiting, and a loop would start again where it was cut.
        is_loop = task.is_live and verdict.gate == "repetitive"
        rest = rest_of(task, segments) if seek >= content and segments else None
        segments, seek = rest or (segments, seek)
        if seek >= content or is_loop:
            return WindowResult(task.spoken, segments)
        return replace(
            task,
            seek=seek,
            frames=self._frames_for(task.job, content - seek),
            search=fallback.search(task.job.parameters, 0),
            max_new_tokens=fallback.most_tokens(content - seek),
            prompt=task.prompt if task.is_conditioned else (),
            prefix=(),
            forced_prefix=(),
            attempts=(),
            segments=segments,
            language=None if task.job.parameters.multilingual else task.language,
            doubted=None,
            is_rest=rest is not None,
            in_context=None,
        )

    def _frames_for(self, job: Job, content: int) -> int:
        is_partial = job.scheduling.priority == Priority.PARTIAL
        # Without speech, short windows are more often given a text than long ones.
        is_short = self._short_finals is True or (self._short_finals and job.parameters.vad_filter)
        if is_partial or is_short:
            return self._lengths.frames_for(content, is_partial=is_partial)
        return MAX_FRAMES

    def _make_tokenizer(self, language: str, task: str) -> Any:
        return Tokenizer(self._tokens, self._model.is_multilingual, task=task, language=language)


def _needs_words(accepted: Accepted) -> bool:
    """Whether a text has to be aligned for word or segment times.

    Only a partial of one segment without pauses is not: with several segments, the next partial
    may begin where one of them ends.
    """
    task = accepted.task
    prepared = task.job.windows[task.position]
    is_paused = len(pauses.stretches(prepared.window, prepared.speech)) > 1
    is_one = task.priority == Priority.PARTIAL and len(accepted.spans) == 1
    return is_paused or not is_one or task.job.parameters.word_timestamps


def _without_text_before(
    task: DecodeTask, found: list[Segment], outcome: WindowResult | DecodeTask
) -> DecodeTask | None:
    """Return an attempt without the text before, if speech was left out after it.

    With it Whisper may go on from a place in the window where a similar text was heard before. The
    times of a translation do not show this: its words are not in the order of the speech.
    """
    if task.in_context is not None or task.is_live or task.job.parameters.task == "translate":
        return None
    again = replace(
        task,
        search=fallback.search(task.job.parameters, 0),
        attempts=(),
        doubted=None,
        in_context=outcome,
    )
    is_late = time.monotonic() > task.job.deadline
    if is_late or again.context == task.context or not leaves_out_speech(task, found):
        return None
    return again


def _is_whole(task: DecodeTask, found: list[Segment]) -> bool:
    return bool(found) and not leaves_out_speech(task, found)


def _without_loop(task: DecodeTask, verdict: Verdict, tokenizer: Any) -> Attempt:
    """Return the accepted attempt, cut if it is still a loop after all fallbacks."""
    attempt, parameters = verdict.accepted, task.job.parameters
    assert attempt is not None
    threshold = parameters.compression_ratio_threshold
    is_loop = gates.is_loop if verdict.gate == "repetitive" else gates.is_repetitive
    if threshold is None or not is_loop(attempt, parameters):
        return attempt
    return loop_cutting.cut(attempt, threshold, tokenizer.eot, tokenizer.decode)
