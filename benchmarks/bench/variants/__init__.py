# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Variants: implementations that answer a request's body."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

VARIANTS = ("lock", "workers", "engine", "http")

OTHER_VARIANTS = ("batched",)
"""Only measured on request."""

GATES_OFF = {
    "no_speech_threshold": None,
    "log_prob_threshold": None,
    "compression_ratio_threshold": None,
}
"""Random weights have low confidence: every gate would reject them."""

SETTINGS = {"WHISPER_DEADLINE_S": "600", "WHISPER_SELF_TEST": "text"}
"""With 64 callers, two cores exceed SageMaker's time limit; random weights fail the self-test."""

SETTINGS_BY_POLICY = {
    "equal": {"WHISPER_FINAL_WINDOWS": "full", "WHISPER_RECOGNISE_PARTIALS": "off"},
    "live": {},
    "partials": {},
    "finals": {},
}
"""``equal``: 30 s windows and the request's own settings, like the baselines; others: defaults."""

_SUPERSEDED = "superseded"
"""Field in the answer to a partial that was superseded by a newer one."""


@dataclass(frozen=True)
class Reply:
    """The answer to a request; superseded ones are not decoded. `tokens` includes timestamps."""

    tokens: int
    text: str
    is_superseded: bool = False


class RequestFailed(Exception):
    """A request was refused, which invalidates the measurement."""


class Variant(Protocol):
    """An implementation; `answer` is called from many threads."""

    def answer(self, body: bytes) -> Reply:
        """Transcribe; raises RequestFailed, or any error after `abandon`."""

    def abandon(self) -> None:
        """Cancel waiting requests, so that they end soon."""

    def close(self) -> None:
        """Stop everything."""


def read_answer(status: int, body: bytes) -> Reply:
    """Parse an answer of the endpoint; raises RequestFailed for a refusal."""
    document = json.loads(body)
    if document.get(_SUPERSEDED):
        return Reply(0, "", is_superseded=True)
    if status != 200:
        raise RequestFailed(f"HTTP {status}: {document.get('error')}")
    tokens = sum(len(segment["tokens"]) for segment in document["segments"])
    return Reply(tokens, document["text"])


def parameters(model: str) -> dict[str, object]:
    """Return a model's request parameters in addition to LCA's."""
    return dict(GATES_OFF) if model == "tiny-shape" else {}


def start(variant: str, weights: Path, policy: str) -> tuple[Variant, int]:
    """Start a variant; return it and the process id for its memory."""
    environment = SETTINGS | SETTINGS_BY_POLICY[policy]
    # Imported here to keep other variants' code out of its memory.
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
