# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A checkout under the name that Live Call Analytics gives it, and its commands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.publish import build

ROOT = Path(__file__).parents[2]
NAME = "lca-whisper-sagemaker-stack"

_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", ".*_cache", "samples", "*.zip", "*.yaml.unfinished", "tests"
)


def check_out(folder):
    """Return a copy of this checkout below a folder, with the wheels that are fetched already."""
    build.build(ROOT)
    checkout = folder / NAME
    shutil.copytree(ROOT, checkout, ignore=_NOT_COPIED)
    return checkout


def variables(url, home):
    """Return all variables of a shell whose AWS CLI talks to a cloud at a URL."""
    tools = Path(sys.executable).parent
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(home),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }


def run(command, folder, environment):
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
