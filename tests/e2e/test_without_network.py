# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The container in a network namespace that has nothing but a loopback interface."""

import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.accuracy import word_errors
from benchmarks.references import DEMO_MODEL
from scripts.demo_calls import MAX_WORD_ERROR_RATE
from scripts.publish.build import ROOT, build
from tests.e2e.test_main_job import first_utterance, said

pytestmark = pytest.mark.slow

IMAGE_PYTHON = "3.13"

TOO_LARGE = ("torch", "triton")
"""In the image, unused by the endpoint, gigabytes to install."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The archive's tree as it is published, with the demonstration model, read-only."""
    build()
    folder = tmp_path_factory.mktemp("archive")
    with zipfile.ZipFile(ROOT / "build" / "endpoint.zip") as files:
        files.extractall(folder)
    root = folder / "endpoint"
    shutil.copytree(DEMO_MODEL, root / "weights")
    for path in [root, *root.rglob("*")]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    yield root
    for path in [root, *root.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def image_python(found: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the image's Python and what the image has of Ray's packages."""
    folder = tmp_path_factory.mktemp("image") / "venv"
    subprocess.run([found, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    listed = (ROOT / "inference" / "image-packages.txt").read_text().split("\n")
    image = [line for line in listed if line and not line.startswith("#") and line not in TOO_LARGE]
    pinned = (ROOT / "requirements-dev.txt").read_text().split("\n")
    wanted = [line for line in pinned if line.startswith(("ray[serve]", "psutil"))]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, *wanted, *image], check=True, capture_output=True)
    # Compiled once, and only what is used: all of it takes half a minute.
    compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run([python, "-c", "import ray.serve.scripts"], check=True, env=compiled)
    return python


@pytest.fixture
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The container's: of the image's Python, or of this one on a machine without that."""
    found = _python_of_the_image()
    if found is None:
        return [sys.executable]
    # The image installs the archive's wheels at its start; here this happens without a network.
    return [str(image_python(found, tmp_path_factory)), "--install"]


def test_endpoint_starts_and_transcribes_without_any_network(
    command: list[str], archive: Path, tmp_path: Path
) -> None:
    if not _namespaces_work():
        pytest.skip("this machine gives no network namespaces (unshare --net)")
    body = tmp_path / "body.json"
    body.write_bytes(first_utterance())
    python, *options = command
    result = subprocess.run(
        [
            *("unshare", "--net", *_as_root(), "sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
            *(sys.executable, "-m", "tests.e2e.in_namespace"),
            *(str(archive), str(body), python, *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 0, result.stderr[-4000:]
    seen = json.loads(result.stdout)
    assert seen["interfaces"] == ["lo"]
    assert seen["health"][0] != 200
    assert seen["health"][-1] == 200, result.stderr[-4000:]
    assert sorted(seen["health"], key=lambda status: status == 200) == seen["health"]
    assert word_errors(said(), seen["answer"]["text"]).rate <= MAX_WORD_ERROR_RATE


def _python_of_the_image() -> str | None:
    candidates = [shutil.which(f"python{IMAGE_PYTHON}")]
    candidates += map(str, Path.home().glob(f".pyenv/versions/{IMAGE_PYTHON}*/bin/python"))
    for candidate in filter(None, candidates):
        probe = subprocess.run(
            [candidate, "--version"], capture_output=True, text=True, check=False
        )
        if probe.stdout.startswith(f"Python {IMAGE_PYTHON}"):
            return candidate
    return None


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["--map-root-user"]


def _namespaces_work() -> bool:
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    probe = ["unshare", "--net", *_as_root(), "ip", "link", "set", "lo", "up"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0
