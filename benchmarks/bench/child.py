# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One variant with one model in a process of its own, so that its memory is its own.

Reads a load per line from standard input, as JSON, and answers each with a row.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import clips
from benchmarks.bench.load import Load
from benchmarks.bench.rows import row
from scripts.publish.errors import CommandError

if TYPE_CHECKING:
    from benchmarks.bench.outcome import Variant

VARIANTS = ("lock", "workers", "engine", "http")

GATES_OFF = {
    "no_speech_threshold": None,
    "log_prob_threshold": None,
    "compression_ratio_threshold": None,
}
"""Random weights are sure of nothing: every gate would refuse them."""

SETTINGS = {"WHISPER_DEADLINE_S": "600", "WHISPER_SELF_TEST": "text"}
"""Under 64 callers two cores are slower than SageMaker allows; random weights know no words."""

SETTINGS_BY_POLICY = {
    "equal": {"WHISPER_FINAL_WINDOWS": "full", "WHISPER_RECOGNISE_PARTIALS": "off"},
    "live": {},
}
"""``equal``: 30 s and the request's own settings, as the baselines have them; else the defaults."""


def parameters(model: str) -> dict[str, object]:
    """Return what a model's requests have beside LCA's own parameters."""
    return {} if model == "demo" else dict(GATES_OFF)


def start(variant: str, weights: Path, policy: str) -> tuple[Variant, int]:
    """Start a variant; returns it with the process whose memory is its own."""
    environment = SETTINGS | SETTINGS_BY_POLICY[policy]
    # Imported here, so that no variant's memory holds what only another one needs.
    if variant == "http":
        from benchmarks.bench.served import Served  # noqa: PLC0415

        served = Served(weights, environment)
        return served, served.pid
    if variant == "engine":
        from benchmarks.bench.in_process import InProcess  # noqa: PLC0415
        from whisper_endpoint.settings import EndpointSettings  # noqa: PLC0415

        return InProcess(weights, EndpointSettings.from_environment(environment)), os.getpid()
    from benchmarks.bench.baseline import Locked  # noqa: PLC0415

    return Locked(weights, workers=2 if variant == "workers" else 1), os.getpid()


def main() -> int:
    """Serve loads until standard input ends; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench.child", description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("model")
    parser.add_argument("weights", type=Path)
    parser.add_argument("policy", choices=sorted(SETTINGS_BY_POLICY))
    options = parser.parse_args()
    numbers = clips.Numbers()
    said = clips.utterances(options.policy, parameters(options.model))
    variant, pid = start(options.variant, options.weights, options.policy)
    try:
        print("{}", flush=True)
        for line in sys.stdin:
            wanted = json.loads(line)
            load = Load(variant, said, numbers)
            callers = wanted["concurrency"]
            measured = load.run(callers, wanted["warm_up_s"], wanted["seconds"], pid)
            try:
                made = row(measured, options.variant, options.model, options.policy, callers)
            except CommandError as error:
                print(json.dumps({"error": str(error)}), flush=True)
            else:
                print(json.dumps(asdict(made)), flush=True)
    finally:
        variant.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
