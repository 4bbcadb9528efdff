# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Servers for the load test: a local endpoint, or a handler for one request at a time."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.processes import serving
from local_cloud.sagemaker.container import free_port
from scripts.local_stack import aws_settings
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError
from scripts.publish.progress import step
from scripts.weights import DEMO, weights

HANDLER = "one-at-a-time"
_PATIENCE_S = 300
_GRACE_S = 60


@contextmanager
def local_endpoint(model: str = DEMO) -> Iterator[str]:
    """Run ``make endpoint`` and set this process's AWS settings; yield the endpoint's name.

    It is a separate process, so that it does not compete with the callers for the GIL.
    """
    command = [sys.executable, "-m", "scripts.endpoint", "--port", str(free_port())]
    command += ["--model", model]
    weights(model)  # fails here, visibly, if not available
    with step("Starting a local endpoint"):
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        settings = _settings(process)
    try:
        if "ENDPOINT_NAME" not in settings:
            raise CommandError("The local endpoint did not start: see what make endpoint says.")
        name = settings.pop("ENDPOINT_NAME")
        with aws_settings(settings):
            yield name
    finally:
        process.terminate()
        process.wait(_GRACE_S)


def _settings(process: subprocess.Popen[str]) -> dict[str, str]:
    """Parse ``export NAME=value`` lines up to the endpoint's name."""
    settings: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            settings[name] = value
        if "ENDPOINT_NAME" in settings:
            break
    return settings


@contextmanager
def one_at_a_time() -> Iterator[str]:
    """Run a handler like that of LCA's stack; yield its ``endpoint_url``."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving(["benchmarks.load.handler", str(port)], f"{url}/ping", patience_s=_PATIENCE_S):
        yield url
