# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Word error rate of the sample calls, each variant hearing what LCA's client sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from benchmarks.accuracy import WordErrors, channel_errors, total
from benchmarks.bench.child import start
from benchmarks.bench.clips import CALLS
from benchmarks.references import read_reference
from live_whisper.audio.call_file import read_call
from live_whisper.lca_client.client import LcaClient
from scripts.publish.progress import step

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench.outcome import Variant


def measure(variant_name: str, weights: Path) -> WordErrors:
    """Transcribe the sample calls with partials and count the errors of the finals."""
    variant, _ = start(variant_name, weights, "live")
    try:
        return total([_call_errors(variant, path) for path in sorted(CALLS.glob("*.wav"))])
    finally:
        variant.close()


def _call_errors(variant: Variant, path: Path) -> WordErrors:
    def invoke(body: bytes) -> bytes:
        text: bytes = orjson.dumps({"text": variant.answer(body).text})
        return text

    reference = read_reference(path.with_suffix(".json"))
    results = LcaClient(invoke, language=reference.language).transcribe(read_call(path))
    return total(list(channel_errors(reference, results).values()))


def line(weights: Path) -> str:
    """Compare the endpoint with the lock."""
    found = {}
    for variant in ("lock", "engine"):
        with step(f"Word error rate of {variant}"):
            found[variant] = measure(variant, weights)
    ours, theirs = found["engine"], found["lock"]
    verdict = "met" if ours.errors <= theirs.errors else "NOT met"
    return (
        f"word error rate of the sample calls, engine: {ours.rate:.1%} (wanted: at most the "
        f"lock's {theirs.rate:.1%}; {verdict})"
    )
