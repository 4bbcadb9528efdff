# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The process of one variant with one model: start, measure, close."""

from pathlib import Path
from typing import NamedTuple

from benchmarks.bench import clips, variants
from benchmarks.bench.load import Load
from benchmarks.bench.rows import BenchRow, row
from scripts.weights import MODELS


class _Hosted(NamedTuple):
    names: tuple[str, str, str]
    variant: variants.Variant
    pid: int
    said: list[list[clips.RequestTemplate]]
    numbers: clips.Numbers


_hosted: list[_Hosted] = []
"""This process's variant, while it runs."""


def start(variant: str, model: str, weights: Path, policy: str) -> None:
    """Start this process's variant."""
    said = clips.utterances(policy, variants.parameters(model), are_real=model in MODELS)
    running, pid = variants.start(variant, weights, policy)
    _hosted.append(_Hosted((variant, model, policy), running, pid, said, clips.Numbers()))


def measure(callers: int, warm_up_s: float, seconds: float) -> BenchRow:
    """Measure one load; raises CommandError if nothing was decoded."""
    [hosted] = _hosted
    load = Load(hosted.variant, hosted.said, hosted.numbers)
    return row(load.run(callers, warm_up_s, seconds, hosted.pid), *hosted.names, callers)


def close() -> None:
    """Stop the variant."""
    for hosted in _hosted:
        hosted.variant.close()
