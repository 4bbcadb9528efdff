# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a variant is: a way from the body of a request to what came of it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

VARIANTS = ("lock", "workers", "engine", "http")

OTHER_VARIANTS = ("batched",)
"""Measured only where they are asked for."""

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
    "partials": {},
    "finals": {},
}
"""``equal``: 30 s and the request's own settings, as the baselines have them; else the defaults."""

_SUPERSEDED = "superseded"
"""Field of the answer to a partial whose place a newer one has taken."""


@dataclass(frozen=True)
class Reply:
    """What came of a request; superseded ones are not decoded. `tokens` includes timestamps."""

    tokens: int
    text: str
    is_superseded: bool = False


class RequestFailed(Exception):
    """A request was refused: the measurement is void."""


class Variant(Protocol):
    """One way to a transcript; `answer` is called from many threads."""

    def answer(self, body: bytes) -> Reply:
        """Transcribe; raises RequestFailed, and anything once it was abandoned."""

    def abandon(self) -> None:
        """Give up what waits: it need not be answered, only ended soon."""

    def close(self) -> None:
        """End everything that was started."""


def read_answer(status: int, body: bytes) -> Reply:
    """Read one of the endpoint's answers; raises RequestFailed where it is a refusal."""
    document = json.loads(body)
    if document.get(_SUPERSEDED):
        return Reply(0, "", is_superseded=True)
    if status != 200:
        raise RequestFailed(f"HTTP {status}: {document.get('error')}")
    tokens = sum(len(segment["tokens"]) for segment in document["segments"])
    return Reply(tokens, document["text"])


def parameters(model: str) -> dict[str, object]:
    """Return what a model's requests have in addition to LCA's own parameters."""
    return dict(GATES_OFF) if model == "tiny-shape" else {}


def start(variant: str, weights: Path, policy: str) -> tuple[Variant, int]:
    """Start a variant; returns it with the process whose memory is its own."""
    environment = SETTINGS | SETTINGS_BY_POLICY[policy]
    # Imported here, so that no variant's memory holds what only another one needs.
    if variant == "http":
        from benchmarks.bench.variants.served import Served  # noqa: PLC0415

        served = Served(weights, environment)
        return served, served.pid
    if variant == "engine":
        from benchmarks.bench.variants.in_process import InProcess  # noqa: PLC0415
        from whisper_endpoint.settings import EndpointSettings  # noqa: PLC0415

        return InProcess(weights, EndpointSettings.from_environment(environment)), os.getpid()
    from benchmarks.bench.variants.baseline import Locked  # noqa: PLC0415

    workers = 2 if variant == "workers" else 1
    return Locked(weights, workers, is_batched=variant == "batched"), os.getpid()
