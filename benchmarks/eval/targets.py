# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Targets: an endpoint on SageMaker, one at a URL, or a model in this process."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import orjson

from benchmarks.bench.variants.in_process import InProcess
from live_whisper.errors import InvocationFailed
from live_whisper.transport import http
from live_whisper.transport.sagemaker import SageMakerEndpoint
from scripts.publish.errors import CommandError
from scripts.publish.progress import step
from scripts.weights import weights
from whisper_endpoint.settings import EndpointSettings

Ask: TypeAlias = Callable[[bytes], bytes]
"""Takes a request body and returns the response body; raises InvocationFailed."""

_JSON = "application/json"
_PATIENCE_S = 3600
_LARGEST_BYTES = 2**31


def sagemaker(name: str, region: str | None) -> Ask:
    """Return a client of a SageMaker endpoint."""
    endpoint = SageMakerEndpoint(name, region=region)
    return lambda body: endpoint.invoke(body, _JSON)


def address(url: str) -> Ask:
    """Return a client of an endpoint's URL, such as the `URL` that `make endpoint` prints."""
    return lambda body: http.post(url, {"Content-Type": _JSON}, body=body)


def folder_of(model: str) -> Path:
    """Return a model's folder, fetching named models if needed; raises CommandError."""
    if Path(model).is_dir():
        if not (Path(model) / "model.bin").exists():
            raise CommandError(f"{model} has no model.bin: give a model in CTranslate2's form.")
        return Path(model)
    if os.sep in model:
        raise CommandError(f"{model} is no folder: give one with a model in CTranslate2's form.")
    return weights(model)


@contextmanager
def in_process(folder: Path) -> Iterator[Ask]:
    """Run the endpoint's pipeline in this process, in int8; yield a client."""
    settings = EndpointSettings(
        compute_type="int8",
        deadline_s=_PATIENCE_S,
        max_body_bytes=_LARGEST_BYTES - 1,
        max_source_bytes=_LARGEST_BYTES - 1,
    )
    with step("Loading the model"):
        endpoint = InProcess(folder, settings)

    def ask(body: bytes) -> bytes:
        answer = endpoint.send(body, _JSON)
        if answer.status != 200:
            raise InvocationFailed(orjson.loads(answer.body)["error"])
        return answer.body

    try:
        yield ask
    finally:
        endpoint.abandon()
        endpoint.close()
