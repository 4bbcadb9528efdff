# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Loads a model's files and, on a CPU, measures how to divide the threads among workers."""

import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.tokenizer import _LANGUAGE_CODES

from whisper_endpoint.audio.features import FRAMES_PER_SECOND
from whisper_endpoint.engine.encoders.choice import Encoders
from whisper_endpoint.engine.throughput import choose_workers
from whisper_endpoint.errors import InvalidSetting, ModelNotLoadable
from whisper_endpoint.settings import EndpointSettings

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_FILES = ("model.bin", "config.json", "tokenizer.json")
# The measurement at the start that divides a CPU's threads. Larger models always use all at once.
_MOST_WORKERS = 16
_LARGE_MODEL_BYTES = 256 * 1024 * 1024
_NOISE_FRAMES = 10 * FRAMES_PER_SECOND
_NOISE_TOKENS = 16
_TRIALS = 2


class LoadedModel(NamedTuple):
    """A CTranslate2 model, its tokenizer, and the number of batches it decodes at once."""

    model: Any
    tokenizer: tokenizers.Tokenizer
    workers: int


def load_model(weights: Path, device: str, settings: EndpointSettings) -> LoadedModel:
    """Load weights in CTranslate2's format.

    Parameters
    ----------
    weights : Path
        Folder with ``model.bin``, ``config.json``, ``tokenizer.json`` and a vocabulary.
    device : {"cuda", "cpu"}
        Where to compute; there is no fallback from one to the other.

    Raises
    ------
    ModelNotLoadable
        A file is missing or unusable, or CTranslate2 failed.
    InvalidSetting
        The device does not support ``WHISPER_COMPUTE_TYPE``.
    """
    missing = [name for name in _FILES if not (weights / name).is_file()]
    if missing:
        raise ModelNotLoadable(
            f"The folder {weights.name} has no {' and no '.join(missing)}: give weights in "
            "CTranslate2's format."
        )
    # With the default allocator, device memory grows with the number of different shapes.
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

        noise = _Noise()
        encoders = Encoders(weights, settings, threads, noise.seconds_to_encode)

        def with_encoder(count: int) -> Any:
            return encoders.given_to(with_workers(count))

        if settings.engine_workers or not _has_choice(weights, device, threads):
            model = with_encoder(settings.engine_workers or 1)
        else:
            model = measured_best(with_encoder, noise.seconds, min(threads, _MOST_WORKERS))
    except (RuntimeError, ValueError) as error:
        raise ModelNotLoadable(f"The model could not be loaded on {device}: {error}") from error
    logger.info(
        "model loaded on %s as %s in %.1f s; %d batches at once",
        device,
        model.compute_type,
        time.monotonic() - started,
        model.num_workers,
    )
    return LoadedModel(model, tokenizer, model.num_workers)


def languages_of(model: Any, tokenizer: tokenizers.Tokenizer) -> tuple[str, ...]:
    """Return Whisper's codes of the languages that a model supports, sorted."""
    if not model.is_multilingual:
        return ("en",)
    known = (code for code in _LANGUAGE_CODES if tokenizer.token_to_id(f"<|{code}|>") is not None)
    return tuple(sorted(known))


def timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """Return the result of a function and the seconds it took."""
    started = time.monotonic()
    return work(), time.monotonic() - started


def _has_choice(weights: Path, device: str, threads: int) -> bool:
    is_large = (weights / "model.bin").stat().st_size > _LARGE_MODEL_BYTES
    return device == "cpu" and threads > 1 and not is_large


def measured_best(
    with_workers: Callable[[int], Any], seconds: Callable[[Any], float], threads: int
) -> Any:
    """Return the model with the best number of workers; it is loaded once per number tried.

    Parameters
    ----------
    with_workers : callable
        Loads the model, with its encoder, for N batches at once.
    seconds : callable
        Returns the seconds that a model takes for one window.
    """
    tried: dict[int, Any] = {}

    def seconds_with(count: int) -> float:
        tried[count] = with_workers(count)
        return seconds(tried[count])

    return tried[choose_workers(seconds_with, threads)]


class _Noise:
    """Times models on 10 s of noise; encoder times are cached, being needed for two choices."""

    def __init__(self) -> None:
        self._encoded: dict[Any, tuple[Any, float]] = {}

    def seconds_to_encode(self, model: Any) -> float:
        """Return the seconds that encoding takes."""
        return self._encode(model)[1]

    def seconds(self, model: Any) -> float:
        """Return the seconds for encoding and for generating as many tokens as a partial has."""
        encoded, seconds = self._encode(model)
        start, most = [["<|startoftranscript|>"]], 2 * _NOISE_TOKENS
        generate = partial(model.generate, encoded, start, beam_size=1, max_length=most)
        return seconds + _fastest(generate)[1]

    def _encode(self, model: Any) -> tuple[Any, float]:
        if model not in self._encoded:
            noise = np.random.default_rng(0).standard_normal((1, model.n_mels, _NOISE_FRAMES))
            window = ctranslate2.StorageView.from_array(noise.astype(np.float32))
            self._encoded[model] = _fastest(lambda: model.encode(window))
        return self._encoded[model]


def _fastest(work: Callable[[], _T]) -> tuple[_T, float]:
    work()  # the first run allocates
    return min((timed(work) for _ in range(_TRIALS)), key=lambda one: one[1])


def _compute_type(device: str, wanted: str) -> str:
    supported = ctranslate2.get_supported_compute_types(device)
    if wanted and wanted not in {"default", "auto", *supported}:
        raise InvalidSetting(
            f"WHISPER_COMPUTE_TYPE is {wanted!r}, which this {device} device does not "
            f"support: use one of {', '.join(sorted(supported))}."
        )
    if wanted:
        return wanted
    # Stock weights are float16, which CPUs do not support: "default" would make them float32, which
    # takes 1.6 to 2.3 times as long as int8.
    best = "float16" if device == "cuda" else "int8"
    return best if best in supported else "default"
