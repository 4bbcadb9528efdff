# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Profile a request by steps, in the endpoint without HTTP and Ray.

With one caller the steps are sequential, so their times add up to the request's. With many they
overlap; then the share of time that CTranslate2 is busy matters.
"""

import functools
import io
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.bench import clips
from benchmarks.bench.load import Load, Measurement
from benchmarks.bench.variants import parameters, start
from benchmarks.bench.variants.in_process import InProcess
from benchmarks.reporting import columns, target
from scripts.publish.errors import CommandError
from whisper_contract import formats
from whisper_endpoint import parsing
from whisper_endpoint.audio.features import Features
from whisper_endpoint.ingress import intake
from whisper_endpoint.ingress.preparation import WindowsAsFound

STEPS: dict[str, tuple[Any, str]] = {
    "parse the body": (parsing, "parse"),
    "decode the audio": (intake, "decode"),
    "find speech, cut windows": (WindowsAsFound, "__getitem__"),
    "features": (Features, "of"),
    "write the answer": (formats, "render"),
}
"""Our steps before and after the engine, in order."""

DEVICE = ("encode", "generate")
"""Device work that every variant needs, in order."""

ALIGNED = (*DEVICE, "align")
"""The same plus alignment for times, which `lock` takes from tokens instead."""

REST = "queue, batches, gates, text"

WANTED = 0.15
"""Allowed share of a request outside CTranslate2, 0 to 1."""

_WARM_UP_S = 2.0


@dataclass(frozen=True)
class Profile:
    """Mean seconds of a request by step, and CTranslate2's share.

    `steps`: seconds with one caller, adding up to a request. `requests`: number of requests in the
    mean. `callers`: concurrency for the next two. `busy`: share of time that CTranslate2 was busy,
    0 to 1. `batch`: mean windows per batch.
    """

    steps: dict[str, float]
    requests: int
    callers: int
    busy: float
    batch: float

    @property
    def ours(self) -> float:
        """Share of a request's time outside CTranslate2's encode and generate, 0 to 1."""
        device = sum(self.steps[name] for name in DEVICE)
        return 1 - device / sum(self.steps.values())


class _Stopwatch:
    """Records when each step began and ended, with ``time.perf_counter``. Thread-safe."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, float, float]] = []

    def within(self, begin: float, end: float) -> dict[str, list[float]]:
        """Return the seconds of the steps that ended in a period, by name."""
        found = defaultdict(list)
        for name, began, ended in list(self._steps):
            if begin <= ended <= end:
                found[name].append(ended - began)
        return found

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(work)
        def timed(*args: Any, **how: Any) -> Any:
            began = time.perf_counter()
            try:
                return work(*args, **how)
            finally:
                self._steps.append((name, began, time.perf_counter()))

        return timed


class _TimedModel:
    """Wraps CTranslate2's model to time its work."""

    def __init__(self, model: Any, watch: _Stopwatch) -> None:
        self._model = model
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        return self._watch.around(name, found) if name in ALIGNED else found


def measure(weights: Path, model: str, callers: int, seconds: float) -> Profile:
    """Measure the policy ``equal``, with one caller and with many."""
    watch = _Stopwatch()
    variant, _ = start("engine", weights, "equal")
    assert isinstance(variant, InProcess)
    said = clips.utterances("equal", parameters(model))
    numbers = clips.Numbers()
    try:
        with _timed(watch, variant):
            alone = Load(variant, said, numbers).run(1, _WARM_UP_S, seconds, os.getpid())
            period: list[float] = []

            def note() -> None:
                period.append(time.perf_counter())

            load = Load(variant, said, numbers, began=note, ended=note)
            measured = load.run(callers, _WARM_UP_S, seconds, os.getpid())
    finally:
        variant.close()
    device = watch.within(*period)
    busy = sum(sum(device[name]) for name in ALIGNED) / measured.seconds
    batch = len(measured.answers) / max(1, len(device["generate"]))
    return Profile(_steps(watch, alone), len(alone.answers), callers, busy, batch)


def _steps(watch: _Stopwatch, measured: Measurement) -> dict[str, float]:
    """Return the seconds of a request by step, including the unattributed rest.

    Only of whole requests: of twenty, the parts at both ends would be a tenth.
    """
    answers = measured.answers
    if not answers:
        raise CommandError("No request was answered in the time: give more --seconds.")
    # A single caller's requests follow each other.
    spent = watch.within(answers[0].arrived, answers[-1].answered)
    times = [answer.answered - answer.arrived for answer in answers]
    known = {name: sum(spent[name]) / len(times) for name in (*STEPS, *ALIGNED)}
    known[REST] = max(0.0, sum(times) / len(times) - sum(known.values()))
    *before, after = STEPS
    return {name: known[name] for name in (*before, REST, *ALIGNED, after)}


@contextmanager
def _timed(watch: _Stopwatch, variant: InProcess) -> Iterator[None]:
    with ExitStack() as stack:
        for name, (place, attribute) in STEPS.items():
            timed = watch.around(name, getattr(place, attribute))
            stack.enter_context(patch.object(place, attribute, timed))
        model = _TimedModel(variant.engine._model, watch)
        stack.enter_context(patch.object(variant.engine, "_model", model))
        yield


def lines(profile: Profile) -> list[str]:
    """Format a profile as a table."""
    total = sum(profile.steps.values())
    rows = [("step", "ms", "share")]
    for name, seconds in profile.steps.items():
        rows.append((name, f"{1000 * seconds:.2f}", f"{seconds / total:.1%}"))
    rows.append(("a request, one caller", f"{1000 * total:.2f}", "100%"))
    busy = f"{profile.busy:.1%} of the time, on {profile.batch:.1f} windows at once"
    share, is_met = f"{profile.ours:.1%}", profile.ours <= WANTED
    return [
        *columns(rows),
        target("not encode and generate", share, f"at most {WANTED:.0%}", is_met),
        f"with {profile.callers} callers CTranslate2 is at work {busy}",
    ]


def draw(steps: Mapping[str, float], title: str) -> str:
    """Draw the seconds of each step as a bar chart; return an SVG document."""
    total = sum(steps.values())
    figure = Figure(figsize=(7.6, 1 + 0.3 * len(steps)), layout="constrained")
    axes = figure.subplots()
    figure.suptitle(f"{title}: {1000 * total:.0f} ms", zorder=-1)
    colours = ["#2f6f9f" if name in ALIGNED else "#d9822b" for name in steps]
    bars = axes.barh([*steps], [*steps.values()], color=colours)
    shares = [f"{1000 * seconds:.1f} ms, {seconds / total:.1%}" for seconds in steps.values()]
    axes.bar_label(bars, shares, padding=4)
    axes.set(xmargin=0.3, xticks=[], xlabel="blue: CTranslate2's; orange: ours")
    axes.invert_yaxis()
    document = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(document, format="svg", metadata={"Date": None})
    return document.getvalue()
