# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a load test calls: a local endpoint, one by name, or one request at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local_cloud.sagemaker.container import free_port
from scripts.aws_environment import standing_in
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError
from scripts.publish.progress import step

if TYPE_CHECKING:
    from collections.abc import Iterator

HANDLER = "one-at-a-time"
_PATIENCE_S = 300
_GRACE_S = 60


@contextmanager
def local_endpoint() -> Iterator[str]:
    """Run ``make endpoint``'s program, point this process's AWS settings to it; yield its name.

    It is a process of its own: its work must not wait for the callers'.
    """
    command = [sys.executable, "-m", "scripts.endpoint", "--port", str(free_port())]
    with step("Starting a local endpoint"):
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        settings = _settings(process)
    try:
        if "ENDPOINT_NAME" not in settings:
            raise CommandError("The local endpoint did not start: see what make endpoint says.")
        name = settings.pop("ENDPOINT_NAME")
        with standing_in(settings):
            yield name
    finally:
        process.terminate()
        process.wait(_GRACE_S)


def _settings(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read the lines ``export NAME=value`` until there is an endpoint's name."""
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
    """Run the handler that LCA's stack ships, in short: one request after the other; yield its URL.

    Yields
    ------
    str
        For ``endpoint_url`` of a SageMaker Runtime client.
    """
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load.handler", str(port)], cwd=ROOT, env={**os.environ}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(_GRACE_S)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/ping", timeout=5):  # noqa: S310 - ours
                return
        except OSError:
            time.sleep(0.2)
    raise CommandError("The one-at-a-time handler did not start.")
