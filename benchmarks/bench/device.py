# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measure a device with one model shape: CTranslate2 alone, then the engine under load.

The second part uses prepared recordings: on an instance, ingress prepares them on the CPU in other
processes.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np

from benchmarks.bench import shapes
from benchmarks.reporting import columns, percentile
from scripts.publish.errors import CommandError
from scripts.publish.progress import step
from whisper_endpoint.audio.features import FRAMES_PER_SECOND
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.messages import (
    SAMPLE_RATE,
    Parameters,
    Prepared,
    PreparedWindow,
    Priority,
    Span,
    Window,
)
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

CLIP_SECONDS = 4.7
"""As in the published figures used for comparison."""

CONCURRENCY = (1, 2, 4, 8, 16, 32, 64)

_REPEATS = 3
_WAIT_S = 600.0


Figures = dict[str, int | float]
"""A row of the result; times in seconds."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure: a shape of `shapes.SHAPES` on "cpu" or "cuda", `seconds` per load."""

    shape: str
    device: str
    beam: int = 1
    seconds: float
    windows: tuple[int, ...]
    batches: tuple[int, ...]
    concurrency: tuple[int, ...]


def measure(options: Options, tokenizer: Path) -> dict[str, Any]:
    """Measure; return a JSON-serializable result. Raises CommandError for a missing device."""
    if options.device == "cuda" and not ctranslate2.get_cuda_device_count():
        raise CommandError("CTranslate2 finds no CUDA device: check the driver, or --device cpu.")
    quantization = "float16" if options.device == "cuda" else "int8"
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with step(f"Making weights of the shape {options.shape}"):
            shapes.make(folder, shapes.SHAPES[options.shape], tokenizer, quantization)
        stages = _stages(folder, options)
        loads = [
            load
            for window, setting in ((30, "full"), (10, "short"))
            for load in _loads(folder, options, window, setting)
        ]
    return {
        "shape": options.shape,
        "device": options.device,
        "compute_type": quantization,
        "beam": options.beam,
        "tokens": shapes.TOKENS,
        "stages": stages,
        "loads": loads,
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as two tables."""
    stages = [("window", "batch", "encode ms", "generate ms", "windows/s")]
    for row in result["stages"]:
        encode, generate = 1000 * row["encode_s"], 1000 * row["generate_s"]
        rate = f"{1000 * row['batch'] / (encode + generate):.1f}"
        window, batch = f"{row['window_s']}s", str(row["batch"])
        stages.append((window, batch, f"{encode:.1f}", f"{generate:.1f}", rate))
    loads = [("window", "callers", "requests/s", "p50 s", "p95 s")]
    for row in result["loads"]:
        window, callers = f"{row['window_s']}s", str(row["concurrency"])
        rate, p50, p95 = row["requests_per_s"], row["p50_s"], row["p95_s"]
        loads.append((window, callers, f"{rate:.1f}", f"{p50:.3f}", f"{p95:.3f}"))
    return [*columns(stages, ">"), "", *columns(loads, ">")]


def _stages(folder: Path, options: Options) -> list[Figures]:
    shape = shapes.SHAPES[options.shape]
    model = ctranslate2.models.Whisper(str(folder), device=options.device)
    prompt = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>"]
    random = np.random.default_rng(3)
    stages = []
    for window in options.windows:
        frames = window * FRAMES_PER_SECOND
        for batch in options.batches:
            features = random.standard_normal((batch, shape.mels, frames)).astype(np.float32)
            with step(f"{window} s, {batch} at once"):
                stages.append(_stage(model, features, [prompt] * batch, options.beam))
    return stages


def _stage(
    model: Any, features: np.ndarray[Any, np.dtype[np.float32]], prompts: list[Any], beam: int
) -> Figures:
    encode, generate = [], []
    for _ in range(_REPEATS + 1):
        began = time.perf_counter()
        encoded = model.encode(ctranslate2.StorageView.from_array(features))
        between = time.perf_counter()
        model.generate(encoded, prompts, beam_size=beam, suppress_blank=False)
        encode.append(between - began)
        generate.append(time.perf_counter() - between)
    return Figures(
        window_s=features.shape[2] // FRAMES_PER_SECOND,
        batch=len(prompts),
        encode_s=statistics.median(encode[1:]),
        generate_s=statistics.median(generate[1:]),
    )


def _loads(folder: Path, options: Options, window: int, setting: str) -> list[Figures]:
    settings = EndpointSettings.model_validate({"self_test": "text", "final_windows": setting})
    with step(f"Starting the engine with windows of {window} s"):
        service = EngineService(WhisperEngine.load(folder, options.device, settings), settings)
    try:
        recording = _recording(shapes.SHAPES[options.shape].mels)
        parameters = Parameters(
            language="en",
            temperature=(0.0,),
            beam_size=options.beam,
            no_speech_threshold=None,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
        )

        async def ask() -> int:
            answer = await service.transcribe(recording, parameters, _WAIT_S)
            if not isinstance(answer, Transcript):
                raise CommandError(f"The engine refused: {answer}")
            return sum(len(segment.tokens) for segment in answer.segments)

        made = []
        for callers in options.concurrency:
            with step(f"{window} s, {callers} callers"):
                answers, seconds = asyncio.run(_loop(ask, callers, options.seconds))
            made.append(_throughput(window, callers, answers, seconds))
        return made
    finally:
        service.stop()


def _recording(mels: int) -> Prepared:
    """Make a clip of noise; all clips give texts of equal length."""
    frames = round(CLIP_SECONDS * FRAMES_PER_SECOND)
    features = np.random.default_rng(5).standard_normal((mels, frames)).astype(np.float32)
    window = Window((Span(0, round(CLIP_SECONDS * SAMPLE_RATE)),))
    return Prepared((PreparedWindow(window, features),), CLIP_SECONDS, Priority.FINAL)


async def _loop(
    ask: Callable[[], Any], callers: int, seconds: float
) -> tuple[list[tuple[float, int]], float]:
    """Run callers in a closed loop; return each answer's seconds and tokens, and the duration."""
    answers: list[tuple[float, int]] = []
    began = time.perf_counter()
    end = began + seconds

    async def call() -> None:
        while time.perf_counter() < end:
            arrived = time.perf_counter()
            tokens = await ask()
            answers.append((time.perf_counter() - arrived, tokens))

    await asyncio.gather(*(call() for _ in range(callers)))
    return answers, time.perf_counter() - began


def _throughput(
    window: int, callers: int, answers: Sequence[tuple[float, int]], seconds: float
) -> Figures:
    times = [spent for spent, _ in answers]
    return Figures(
        window_s=window,
        concurrency=callers,
        requests_per_s=round(len(answers) / seconds, 2),
        p50_s=round(percentile(times, 50), 4),
        p95_s=round(percentile(times, 95), 4),
        tokens=round(statistics.mean(tokens for _, tokens in answers), 2),
    )
