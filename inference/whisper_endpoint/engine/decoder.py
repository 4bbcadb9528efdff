# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CTranslate2, called directly: a batch of windows of any requests becomes segments."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from whisper_endpoint.audio.features import FRAMES_PER_SECOND, MAX_FRAMES, stack
from whisper_endpoint.engine import fallback as turns
from whisper_endpoint.engine import timestamps, words
from whisper_endpoint.engine import window_lengths as ladder
from whisper_endpoint.engine.gates import Attempt
from whisper_endpoint.engine.jobs import MAX_CONTEXT, MAX_PREFIX, BatchReport, Job, Search, WorkItem
from whisper_endpoint.engine.throughput import choose_workers
from whisper_endpoint.engine.window_lengths import Ladder
from whisper_endpoint.engine.words import SpokenSpan
from whisper_endpoint.errors import DeadlineExceeded, InvalidSetting, ModelNotLoadable
from whisper_endpoint.messages import Priority
from whisper_endpoint.model_info import ModelFacts
from whisper_endpoint.transcript import Segment, WindowResult, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from whisper_endpoint.engine.fallback import Verdict
    from whisper_endpoint.engine.timestamps import TokenSpan
    from whisper_endpoint.messages import Parameters, PreparedWindow
    from whisper_endpoint.settings import EndpointSettings

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_FILES = ("model.bin", "config.json", "tokenizer.json")
# Positions of Whisper's decoder.
_MAX_LENGTH = 448
# The first timestamp is at most 1 s (faster-whisper's max_initial_timestamp), in steps of 20 ms.
_MAX_INITIAL_TIMESTAMP_INDEX = 50
# What is measured at the start to divide a CPU's threads. A larger model wants all of them at once.
_MOST_WORKERS = 16
_LARGE_MODEL_BYTES = 512 * 1024 * 1024
_NOISE_FRAMES = 10 * FRAMES_PER_SECOND
_NOISE_TOKENS = 16


@dataclass(frozen=True)
class Decoded:
    """A batch, decoded.

    Attributes
    ----------
    outcomes : list of WindowResult or WorkItem
        For each item its window's result, or the window's next turn.
    report : BatchReport
    """

    outcomes: list[WindowResult | WorkItem]
    report: BatchReport


@dataclass(frozen=True)
class _Heard:
    """What is believed of one turn: spans, and the frames after which decoding goes on."""

    item: WorkItem
    attempt: Attempt
    spans: "Sequence[TokenSpan]"
    advance: int


class WhisperEngine:
    """A loaded model that decodes batches. Safe for as many threads as it has workers.

    Parameters
    ----------
    model : ctranslate2.models.Whisper
    tokenizer : tokenizers.Tokenizer
    max_fallbacks : int
        Temperatures tried after the first, at most.
    rungs : Ladder, optional
        Window lengths; by default 30 s alone.
    short_finals : bool, optional
        Whether finals use the short ones too.
    workers : int, optional
        Batches that the model decodes at once.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: tokenizers.Tokenizer,
        max_fallbacks: int,
        *,
        rungs: Ladder | None = None,
        short_finals: bool = False,
        workers: int = 1,
    ) -> None:
        self._model = model
        self._tokens = tokenizer
        self._max_fallbacks = max_fallbacks
        self._ladder = rungs or Ladder((MAX_FRAMES,))
        self._short_finals = short_finals
        self.workers = workers
        self.facts = ModelFacts(
            model.n_mels,
            _languages(model, tokenizer),
            model.is_multilingual,
            self._ladder.pause_s,
        )
        self._tokenizer = lru_cache(maxsize=None)(self._make_tokenizer)
        self._suppressed = list(get_suppressed_tokens(self._tokenizer("en", "transcribe"), [-1]))

    @classmethod
    def load(cls, weights: Path, device: str, settings: "EndpointSettings") -> "WhisperEngine":
        """Load weights in CTranslate2's format.

        Parameters
        ----------
        weights : Path
            Folder with ``model.bin``, ``config.json``, ``tokenizer.json`` and a vocabulary.
        device : {"cuda", "cpu"}
            Where to compute; there is no falling back from one to the other.
        settings : EndpointSettings

        Raises
        ------
        ModelNotLoadable
            A file is missing or unfit, or CTranslate2 refused.
        InvalidSetting
            The device does not compute in ``WHISPER_COMPUTE_TYPE``.
        """
        missing = [name for name in _FILES if not (weights / name).is_file()]
        if missing:
            raise ModelNotLoadable(
                f"The folder {weights.name} has no {' and no '.join(missing)}: give weights in "
                "CTranslate2's format."
            )
        # Without it, memory on the device grows with the variety of shapes.
        os.environ.setdefault("CT2_CUDA_ALLOCATOR", "cub_caching")
        started = time.monotonic()
        threads = settings.cpu_threads or os.cpu_count() or 1
        try:
            compute_type = _compute_type(device, settings.compute_type)
            tokenizer = tokenizers.Tokenizer.from_file(str(weights / "tokenizer.json"))

            def with_workers(count: int) -> Any:
                return ctranslate2.models.Whisper(
                    str(weights),
                    device=device,
                    compute_type=compute_type,
                    inter_threads=count,
                    intra_threads=max(1, threads // count),
                )

            workers = settings.engine_workers or _workers(weights, device, threads, with_workers)
            model = with_workers(workers)
        except (RuntimeError, ValueError) as error:
            raise ModelNotLoadable(f"The model could not be loaded on {device}: {error}") from error
        rungs = ladder.read(weights, model.n_mels)
        logger.info(
            "model loaded on %s as %s in %.1f s; %d batches at once",
            device,
            model.compute_type,
            time.monotonic() - started,
            workers,
        )
        return cls(
            model,
            tokenizer,
            settings.max_fallbacks,
            rungs=rungs,
            short_finals=_short_finals(settings.final_windows, rungs),
            workers=workers,
        )

    @property
    def end_token(self) -> int:
        """The token that ends a text; those below it are text, those above special or times."""
        token: int = self._tokenizer("en", "transcribe").eot
        return token

    def turns(self, job: Job) -> list[WorkItem]:
        """Return the first turn of each of a job's windows, in order."""
        return [self.first_turn(job, position) for position in range(len(job.windows))]

    def first_turn(self, job: Job, position: int, *, is_first: bool | None = None) -> WorkItem:
        """Return the first turn of a window.

        Parameters
        ----------
        job : Job
        position : int
            The window's place in the job.
        is_first : bool, optional
            Whether the initial prompt and the prefixes go before it; by default only before the
            job's first window.
        """
        is_first = position == 0 if is_first is None else is_first
        has_prompt = is_first or job.parameters.condition_on_previous_text
        frames = job.windows[position].features.shape[1]
        return WorkItem(
            job=job,
            position=position,
            frames=self._frames_for(job, frames),
            search=turns.search(job.parameters, 0, frames),
            prompt=self._before(job.parameters.initial_prompt) if has_prompt else (),
            hotwords=self._before(job.parameters.hotwords),
            prefix=self._text(job.parameters.prefix)[:MAX_PREFIX] if is_first else (),
            forced_prefix=job.handling.forced_prefix[:MAX_PREFIX] if is_first else (),
        )

    def transcribe(
        self,
        prepared: "PreparedWindow",
        parameters: "Parameters",
        *,
        language: str | None,
        is_first: bool,
        deadline: float,
    ) -> WindowResult:
        """Transcribe one window alone, turn after turn.

        Parameters
        ----------
        prepared : PreparedWindow
        parameters : Parameters
        language : str or None
            None: detect it in this window.
        is_first : bool
            Whether the initial prompt goes before this window.
        deadline : float
            Time of ``time.monotonic`` after which no further decoding is begun.

        Raises
        ------
        DeadlineExceeded
            504: the window could not be finished before the deadline.
        RuntimeError
            CTranslate2 failed; the device may be lost.
        """
        job = Job((prepared,), replace(parameters, language=language), deadline)
        item = self.first_turn(job, 0, is_first=is_first)
        while time.monotonic() <= deadline:
            outcome = self.decode([item]).outcomes[0]
            if isinstance(outcome, WindowResult):
                return outcome
            item = outcome
        raise DeadlineExceeded(
            "The transcript was not finished in time: send shorter audio, or fewer requests at "
            "once."
        )

    def decode(self, batch: Sequence[WorkItem]) -> Decoded:
        """Decode one turn of each window; their keys have to be equal.

        Raises
        ------
        RuntimeError
            CTranslate2 failed; the device may be lost.
        """
        started = time.monotonic()
        encoded, encode_s = _timed(lambda: self._encode(batch))
        tokenizers_ = self._settle_languages(encoded, batch)
        attempts, generate_s = _timed(lambda: self._generate(encoded, batch, tokenizers_))
        verdicts = [
            turns.judge(
                item,
                attempt,
                max_fallbacks=self._max_fallbacks,
                is_late=time.monotonic() > item.deadline,
            )
            for item, attempt in zip(batch, attempts, strict=True)
        ]
        heard = [
            _split(item, verdict, tokenizer)
            for item, verdict, tokenizer in zip(batch, verdicts, tokenizers_, strict=True)
        ]
        heard, align_s = _timed(lambda: self._align(encoded, heard, tokenizers_))
        outcomes = [
            self._outcome(item, verdict, one, tokenizer)
            for item, verdict, one, tokenizer in zip(
                batch, verdicts, heard, tokenizers_, strict=True
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

    def _encode(self, batch: Sequence[WorkItem]) -> Any:
        """Encode a batch: on a GPU at once, on a CPU window by window.

        On two cores eight windows of 30 s took 1.7 times as long at once as one by one, for want
        of cache; generating the text of all of them at once pays on either.
        """
        frames, windows = batch[0].frames, [item.features for item in batch]
        if len(windows) == 1 or self._model.device != "cpu":
            return self._encode_at_once(windows, frames)
        encoded = [np.asarray(self._encode_at_once([one], frames)) for one in windows]
        return ctranslate2.StorageView.from_array(np.concatenate(encoded))

    def _encode_at_once(self, windows: "Sequence[NDArray[np.float32]]", frames: int) -> Any:
        return self._model.encode(ctranslate2.StorageView.from_array(stack(windows, frames)))

    def _settle_languages(self, encoded: Any, batch: Sequence[WorkItem]) -> list[Any]:
        """Detect languages that are not known; return the tokenizer of each item."""
        if any(item.language is None for item in batch):
            detected = self._model.detect_language(encoded)
            for item, ranking in zip(batch, detected, strict=True):
                token, probability = ranking[0]
                item.job.detected(token[2:-2], probability)
        return [self._tokenizer(item.language or "en", item.job.parameters.task) for item in batch]

    def _generate(
        self, encoded: Any, batch: Sequence[WorkItem], tokenizers_: Sequence[Any]
    ) -> list[Attempt]:
        search = batch[0].search
        prompts = [
            _prompt(item, tokenizer) for item, tokenizer in zip(batch, tokenizers_, strict=True)
        ]
        results = self._model.generate(
            encoded,
            prompts,
            max_length=_max_length(search.max_new_tokens, max(map(len, prompts))),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            max_initial_timestamp_index=_MAX_INITIAL_TIMESTAMP_INDEX,
            **_options(search),
        )
        return [
            _attempt(result, search, tokenizer)
            for result, tokenizer in zip(results, tokenizers_, strict=True)
        ]

    def _align(
        self, encoded: Any, heard: Sequence[_Heard | None], tokenizers_: Sequence[Any]
    ) -> list[_Heard | None]:
        """Give words to those that want them; the others are aligned with no text at all."""
        rows = list(heard)
        wanting = [row for row, one in enumerate(rows) if one is not None and one.item.wants_words]
        # The task's tokens are common to a call, so there is one for each language and task.
        for sequence in {tuple(tokenizers_[row].sot_sequence) for row in wanting}:
            mine = [row for row in wanting if tuple(tokenizers_[row].sot_sequence) == sequence]
            texts: list[list[int]] = [[] for _ in rows]
            frames = [1 for _ in rows]
            for row in mine:
                one = rows[row]
                assert one is not None
                tokenizer = tokenizers_[row]
                texts[row] = [t for s in one.spans for t in words.text_tokens(s, tokenizer)]
                frames[row] = one.item.features.shape[1]
            alignments = self._model.align(encoded, list(sequence), texts, frames)
            for row in mine:
                rows[row] = _with_words(rows[row], alignments[row], tokenizers_[row])
        return rows

    def _outcome(
        self, item: WorkItem, verdict: "Verdict", heard: _Heard | None, tokenizer: Any
    ) -> WindowResult | WorkItem:
        if verdict.again is not None:
            return verdict.again
        content = item.job.windows[item.position].features.shape[1]
        segments, seek = item.segments, item.seek + item.features.shape[1]
        if heard is not None:
            segments = (*segments, *_segments(heard, tokenizer))
            seek = item.seek + heard.advance
        if seek >= content:
            return WindowResult(item.language or "", segments)
        return replace(
            item,
            seek=seek,
            frames=self._frames_for(item.job, content - seek),
            search=turns.search(item.job.parameters, 0, content - seek),
            prompt=item.prompt if item.is_conditioned else (),
            prefix=(),
            forced_prefix=(),
            attempts=(),
            segments=segments,
        )

    def _frames_for(self, job: Job, content: int) -> int:
        is_partial = job.handling.priority == Priority.PARTIAL
        if is_partial or self._short_finals:
            return self._ladder.frames_for(content, is_partial=is_partial)
        return MAX_FRAMES

    def _before(self, text: str | None) -> tuple[int, ...]:
        """Return the tokens of earlier text, as many of the last as the model takes."""
        return self._text(text)[-MAX_CONTEXT:]

    def _text(self, text: str | None) -> tuple[int, ...]:
        if not text or not text.strip():
            return ()
        encoding = self._tokens.encode(f" {text.strip()}", add_special_tokens=False)
        return tuple(encoding.ids)

    def _make_tokenizer(self, language: str, task: str) -> Any:
        return Tokenizer(self._tokens, self._model.is_multilingual, task=task, language=language)


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    started = time.monotonic()
    return work(), time.monotonic() - started


def _prompt(item: WorkItem, tokenizer: Any) -> list[int]:
    context = item.context
    previous = [tokenizer.sot_prev, *context] if context else []
    if item.search.without_timestamps:
        begin = [tokenizer.no_timestamps]
    else:
        # Text is forced after a timestamp, as the model would begin by itself.
        begin = [tokenizer.timestamp_begin] if item.begins_with else []
    return [*previous, *tokenizer.sot_sequence, *begin, *item.begins_with]


def _max_length(new_tokens: int, longest_prompt: int) -> int:
    """Return the ``max_length`` with which CTranslate2 generates so many tokens.

    It generates at most half of it, and at most what is left of it after all but the last token
    of the prompt; with a prompt longer than it the process ends (4.8.5).
    """
    return min(_MAX_LENGTH, max(2 * new_tokens, longest_prompt - 1 + new_tokens))


def _options(search: Search) -> Mapping[str, float]:
    """Beam search at temperature 0, sampling above; the names are CTranslate2's."""
    common = {
        "length_penalty": search.length_penalty,
        "repetition_penalty": search.repetition_penalty,
        "no_repeat_ngram_size": search.no_repeat_ngram_size,
    }
    if search.temperature > 0:
        return {
            **common,
            "beam_size": 1,
            "num_hypotheses": search.best_of,
            "sampling_topk": 0,
            "sampling_temperature": search.temperature,
        }
    return {**common, "beam_size": search.beam_size, "patience": search.patience}


def _attempt(result: Any, search: Search, tokenizer: Any) -> Attempt:
    tokens = result.sequences_ids[0]
    # The score is divided by a power of the length; faster-whisper's mean counts the end token.
    log_prob = result.scores[0] * len(tokens) ** search.length_penalty / (len(tokens) + 1)
    return Attempt(
        tokens=tuple(tokens),
        text=tokenizer.decode(tokens).strip(),
        temperature=search.temperature,
        avg_logprob=min(0.0, log_prob),
        no_speech_prob=min(1.0, result.no_speech_prob),
    )


def _split(item: WorkItem, verdict: "Verdict", tokenizer: Any) -> _Heard | None:
    """Cut what is believed into spans; None if nothing is."""
    attempt = verdict.accepted
    if attempt is None:
        return None
    spans, advance = timestamps.split(
        attempt.tokens, tokenizer.timestamp_begin, item.features.shape[1]
    )
    # Whisper's sign of a segment that was not heard.
    heard = [
        span
        for span in spans
        if span.start != span.end and tokenizer.decode(list(span.tokens)).strip()
    ]
    return _Heard(item, attempt, heard, advance)


def _with_words(heard: _Heard | None, alignment: Any, tokenizer: Any) -> _Heard | None:
    if heard is None:
        return None
    item = heard.item
    prepared, seek = item.job.windows[item.position], item.seek / FRAMES_PER_SECOND
    begin = prepared.window.in_recording(seek)
    last_end = item.segments[-1].end - begin if item.segments else 0.0
    speech_start = max(0.0, prepared.speech_start - seek)
    spoken = words.attach(heard.spans, alignment, tokenizer, last_end, speech_start)
    return replace(heard, spans=spoken)


def _segments(heard: _Heard, tokenizer: Any) -> list[Segment]:
    item, attempt = heard.item, heard.attempt
    window, offset = item.job.windows[item.position].window, item.seek / FRAMES_PER_SECOND

    def times(start: float, end: float) -> tuple[float, float]:
        begin = window.in_recording(offset + start)
        return begin, max(begin, window.in_recording(offset + end, is_end=True))

    segments = []
    for span in heard.spans:
        start, end = times(span.start, span.end)
        segments.append(
            Segment(
                seek=round(window.in_recording(offset) * FRAMES_PER_SECOND),
                start=start,
                end=end,
                text=tokenizer.decode(list(span.tokens)),
                tokens=span.tokens,
                temperature=attempt.temperature,
                avg_logprob=attempt.avg_logprob,
                compression_ratio=attempt.compression_ratio,
                no_speech_prob=attempt.no_speech_prob,
                words=_words(span, times) if item.wants_words else None,
            )
        )
    return segments


def _words(
    span: "TokenSpan", times: Callable[[float, float], tuple[float, float]]
) -> tuple[Word, ...]:
    if not isinstance(span, SpokenSpan):
        return ()
    placed = []
    for word in span.words:
        start, end = times(word.start, word.end)
        placed.append(replace(word, start=start, end=end))
    return tuple(placed)


def _short_finals(setting: str, rungs: Ladder) -> bool:
    return setting == "short" or (setting == "declared" and rungs.is_declared)


def _languages(model: Any, tokenizer: tokenizers.Tokenizer) -> tuple[str, ...]:
    if not model.is_multilingual:
        return ("en",)
    known = (code for code in _LANGUAGE_CODES if tokenizer.token_to_id(f"<|{code}|>") is not None)
    return tuple(sorted(known))


def _workers(weights: Path, device: str, threads: int, with_workers: Callable[[int], Any]) -> int:
    threads = min(threads, _MOST_WORKERS)
    is_large = (weights / "model.bin").stat().st_size > _LARGE_MODEL_BYTES
    if device != "cpu" or threads == 1 or is_large:
        return 1
    return choose_workers(lambda count: _seconds_for_noise(with_workers(count)), threads)


def _seconds_for_noise(model: Any) -> float:
    """Return the seconds of a window of 10 s and as many tokens as a live text has."""
    noise = np.random.default_rng(0).standard_normal((1, model.n_mels, _NOISE_FRAMES))
    window = ctranslate2.StorageView.from_array(noise.astype(np.float32))

    def once() -> None:
        encoded = model.encode(window)
        model.generate(encoded, [["<|startoftranscript|>"]], max_length=2 * _NOISE_TOKENS)

    once()  # the first run allocates
    return min(_timed(once)[1] for _ in range(3))


def _compute_type(device: str, wanted: str) -> str:
    supported = ctranslate2.get_supported_compute_types(device)
    if wanted and wanted not in {"default", "auto", *supported}:
        raise InvalidSetting(
            f"WHISPER_COMPUTE_TYPE is {wanted!r}, which this {device} device does not compute in: "
            f"use one of {', '.join(sorted(supported))}."
        )
    if wanted:
        return wanted
    return "float16" if device == "cuda" and "float16" in supported else "default"
