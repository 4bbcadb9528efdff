# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CTranslate2, called directly: a window's features become segments."""

import logging
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ctranslate2
import tokenizers
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from whisper_endpoint import gates, timestamps
from whisper_endpoint.errors import DeadlineExceeded, InvalidSetting, ModelNotLoadable
from whisper_endpoint.features import FRAMES_PER_SECOND, MAX_FRAMES, pad
from whisper_endpoint.gates import Attempt
from whisper_endpoint.model_facts import ModelFacts
from whisper_endpoint.transcript import Segment, WindowResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from whisper_endpoint.preparation import PreparedWindow
    from whisper_endpoint.request import Parameters
    from whisper_endpoint.settings import EndpointSettings

logger = logging.getLogger(__name__)

_FILES = ("model.bin", "config.json", "tokenizer.json")
# Whisper's decoder has 448 positions; half, less one, may be previous text.
_MAX_LENGTH = 448
_MAX_PROMPT = _MAX_LENGTH // 2 - 1
# The first timestamp is at most 1 s (faster-whisper's max_initial_timestamp), in steps of 20 ms.
_MAX_INITIAL_TIMESTAMP_INDEX = 50


class WhisperEngine:
    """A loaded model that decodes one window at a time. Not safe for threads.

    Parameters
    ----------
    model : ctranslate2.models.Whisper
    tokenizer : tokenizers.Tokenizer
    max_fallbacks : int
        Temperatures tried after the first, at most.
    """

    def __init__(self, model: Any, tokenizer: tokenizers.Tokenizer, max_fallbacks: int) -> None:
        self._model = model
        self._tokens = tokenizer
        self._max_fallbacks = max_fallbacks
        self.facts = ModelFacts(model.n_mels, _languages(model, tokenizer), model.is_multilingual)
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
            A file is missing, or CTranslate2 refused.
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
        try:
            compute_type = _compute_type(device, settings.compute_type)
            model = ctranslate2.models.Whisper(
                str(weights),
                device=device,
                compute_type=compute_type,
                intra_threads=settings.cpu_threads or os.cpu_count() or 1,
            )
            tokenizer = tokenizers.Tokenizer.from_file(str(weights / "tokenizer.json"))
        except (RuntimeError, ValueError) as error:
            raise ModelNotLoadable(f"The model could not be loaded on {device}: {error}") from error
        logger.info(
            "model loaded on %s as %s in %.1f s",
            device,
            model.compute_type,
            time.monotonic() - started,
        )
        return cls(model, tokenizer, settings.max_fallbacks)

    def transcribe(
        self,
        prepared: "PreparedWindow",
        parameters: "Parameters",
        *,
        language: str | None,
        is_first: bool,
        deadline: float,
    ) -> WindowResult:
        """Transcribe one window.

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
        features = prepared.features
        frames = features.shape[1]
        segments: list[Segment] = []
        seek = 0
        while seek < frames:
            if time.monotonic() > deadline:
                raise DeadlineExceeded(
                    "The transcript was not finished in time: send shorter audio, or fewer "
                    "requests at once."
                )
            heard = min(MAX_FRAMES, frames - seek)
            encoded = self._encode(features[:, seek : seek + heard])
            if language is None:
                language = self._detect_language(encoded)
            tokenizer = self._tokenizer(language, parameters.task)
            initial = parameters.initial_prompt if is_first and seek == 0 else None
            attempt = self._decode(
                encoded, _prompt(tokenizer, initial), tokenizer, parameters, deadline
            )
            if gates.is_silent(attempt, parameters):
                seek += heard
                continue
            spans, advance = timestamps.split(attempt.tokens, tokenizer.timestamp_begin, heard)
            segments += _segments(spans, attempt, tokenizer, prepared, seek)
            seek += advance
        return WindowResult(language or "", tuple(segments))

    def _encode(self, features: "NDArray[np.float32]") -> Any:
        return self._model.encode(ctranslate2.StorageView.from_array(pad(features)))

    def _detect_language(self, encoded: Any) -> str:
        token: str = self._model.detect_language(encoded)[0][0][0]
        return token.removeprefix("<|").removesuffix("|>")

    def _decode(
        self,
        encoded: Any,
        prompt: list[int],
        tokenizer: Any,
        parameters: "Parameters",
        deadline: float,
    ) -> Attempt:
        """Try temperatures until the gates accept, within number and time; else the best."""
        attempts: list[Attempt] = []
        for temperature in parameters.temperature[: 1 + self._max_fallbacks]:
            if attempts and time.monotonic() > deadline:
                break
            attempt = self._generate(encoded, prompt, tokenizer, parameters, temperature)
            if not gates.is_refused(attempt, parameters):
                return attempt
            attempts.append(attempt)
        return gates.best(attempts, parameters)

    def _generate(
        self,
        encoded: Any,
        prompt: list[int],
        tokenizer: Any,
        parameters: "Parameters",
        temperature: float,
    ) -> Attempt:
        result = self._model.generate(
            encoded,
            [prompt],
            max_length=_MAX_LENGTH,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            max_initial_timestamp_index=_MAX_INITIAL_TIMESTAMP_INDEX,
            **_search(parameters, temperature),
        )[0]
        tokens = result.sequences_ids[0]
        # The score is the mean over the tokens; faster-whisper's mean counts the end token too.
        log_prob = result.scores[0] * len(tokens) / (len(tokens) + 1)
        return Attempt(
            tokens=tuple(tokens),
            text=tokenizer.decode(tokens).strip(),
            temperature=temperature,
            avg_logprob=min(0.0, log_prob),
            no_speech_prob=min(1.0, result.no_speech_prob),
        )

    def _make_tokenizer(self, language: str, task: str) -> Any:
        return Tokenizer(self._tokens, self._model.is_multilingual, task=task, language=language)


def _search(parameters: "Parameters", temperature: float) -> Mapping[str, float]:
    """Beam search at temperature 0, sampling above; the names are CTranslate2's."""
    if temperature > 0:
        return {
            "beam_size": 1,
            "num_hypotheses": parameters.best_of,
            "sampling_topk": 0,
            "sampling_temperature": temperature,
        }
    return {"beam_size": parameters.beam_size, "patience": parameters.patience}


def _prompt(tokenizer: Any, previous: str | None) -> list[int]:
    sequence: list[int] = list(tokenizer.sot_sequence)
    if not previous or not previous.strip():
        return sequence
    return [tokenizer.sot_prev, *tokenizer.encode(f" {previous.strip()}")[-_MAX_PROMPT:], *sequence]


def _segments(
    spans: "Sequence[timestamps.TokenSpan]",
    attempt: Attempt,
    tokenizer: Any,
    prepared: "PreparedWindow",
    seek: int,
) -> list[Segment]:
    window, offset = prepared.window, seek / FRAMES_PER_SECOND
    segments = []
    for span in spans:
        text = tokenizer.decode(list(span.tokens))
        # Whisper's sign of a segment that was not heard.
        if span.start == span.end or not text.strip():
            continue
        start = window.in_recording(offset + span.start)
        end = window.in_recording(offset + span.end, is_end=True)
        segments.append(
            Segment(
                seek=round(window.in_recording(offset) * FRAMES_PER_SECOND),
                start=start,
                end=max(start, end),
                text=text,
                tokens=span.tokens,
                temperature=attempt.temperature,
                avg_logprob=attempt.avg_logprob,
                compression_ratio=attempt.compression_ratio,
                no_speech_prob=attempt.no_speech_prob,
            )
        )
    return segments


def _languages(model: Any, tokenizer: tokenizers.Tokenizer) -> tuple[str, ...]:
    if not model.is_multilingual:
        return ("en",)
    known = (code for code in _LANGUAGE_CODES if tokenizer.token_to_id(f"<|{code}|>") is not None)
    return tuple(sorted(known))


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
