# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Word error rate of the sample calls, sent as LCA's client does, per variant."""

from contextlib import closing
from pathlib import Path

import orjson

from benchmarks.accuracy import WordErrors, channel_errors, total
from benchmarks.bench.variants import Variant, start
from benchmarks.lca_client.client import LcaClient
from benchmarks.references import SampleCall, sample_calls
from benchmarks.reporting import target
from scripts.publish.progress import step


def measure(variant_name: str, weights: Path) -> WordErrors:
    """Transcribe the sample calls with partials; count the errors of the finals."""
    variant, _ = start(variant_name, weights, "live")
    with closing(variant):
        return total(_call_errors(variant, sample) for sample in sample_calls())


def _call_errors(variant: Variant, sample: SampleCall) -> WordErrors:
    def invoke(body: bytes) -> bytes:
        text: bytes = orjson.dumps({"text": variant.answer(body).text})
        return text

    call, reference = sample
    results = LcaClient(invoke, language=reference.language).transcribe(call)
    return total(channel_errors(reference.utterances, results, reference.language).values())


def line(weights: Path) -> str:
    """Compare the endpoint with the baseline `lock`."""
    found = {}
    for variant in ("lock", "engine"):
        with step(f"Word error rate of {variant}"):
            found[variant] = measure(variant, weights)
    ours, theirs = found["engine"], found["lock"]
    name, wanted = "word error rate of the sample calls, engine", f"the lock's {theirs.rate:.1%}"
    return target(name, f"{ours.rate:.1%}", f"at most {wanted}", ours.errors <= theirs.errors)
