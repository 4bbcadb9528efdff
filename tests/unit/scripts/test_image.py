# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCKER = '#!/bin/bash\n[[ -f inference/Dockerfile ]] && printf "%s\\n" "$@"\n'


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder to be the whole PATH, without docker."""
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    return tmp_path


def run(tools: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(tools / "bash"), str(ROOT / "scripts" / "image.sh"), *arguments]
    env = {"PATH": str(tools)}
    return subprocess.run(
        command, cwd="/", env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("",),
        ("--help",),
        ("whisper:1.0", "gpu"),
        ("whisper:1.0", "cuda", "nobody"),
        ("whisper:1.0", "root"),
        ("whisper:1.0", "cuda", "root", "more"),
    ],
    ids=" ".join,
)
def test_wrong_arguments_give_the_usage_before_anything_is_built(
    tools: Path, arguments: tuple[str, ...]
) -> None:
    done = run(tools, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: scripts/image.sh NAME [cpu|cuda] [whisper|root]\n")


def test_without_docker_it_says_so(tools: Path) -> None:
    done = run(tools, "whisper:1.0")
    assert (done.returncode, done.stderr) == (
        1,
        "image: install docker, which is not on the PATH.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "accelerator", "user"),
    [((), "cpu", "whisper"), (("cuda",), "cuda", "whisper"), (("cuda", "root"), "cuda", "root")],
)
def test_docker_is_told_where_it_computes_and_as_whom(
    tools: Path, arguments: tuple[str, ...], accelerator: str, user: str
) -> None:
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    done = run(tools, "whisper:1.0", *arguments)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[:5] == ["build", "--file", "inference/Dockerfile", "--tag", "whisper:1.0"]
    assert f"ACCELERATOR={accelerator}" in said
    assert f"RUN_AS={user}" in said
    assert said[-1] == "Built whisper:1.0. Push it with: docker push whisper:1.0"
