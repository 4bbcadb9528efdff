# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is published: the stack's artifacts, and a checkout as Live Call Analytics has it."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from scripts.publish import build

ROOT = Path(__file__).parents[2]
ARTIFACTS = "artifacts"
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


def variables(access, home):
    """Return all variables of a shell whose AWS CLI talks to a cloud, by its URL and keys."""
    tools = Path(sys.executable).parent
    return {
        **access,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(home),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }


def run(command, folder, environment):
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def folder(path, below):
    return {
        f"{below}/{file.relative_to(path).as_posix()}": file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def artifacts():
    """Return the stack's artifacts by key; the layer's third-party packages are this process's."""
    layers = ROOT / "layers/dependencies/whisper_sagemaker"
    clip = ROOT / "inference/whisper_endpoint/selftest.wav"
    return {
        "build/function.zip": zipped(folder(ROOT / "deploy_whisper", "deploy_whisper")),
        "build/dependencies.zip": zipped(
            folder(layers, "python/whisper_sagemaker")
            | folder(ROOT / "whisper_contract", "python/whisper_contract")
        ),
        "build/endpoint.zip": endpoint_layer(b"applications: []", clip.read_bytes()),
    }


def recordings_artifacts():
    """Return what recordings.yaml needs besides, by key."""
    root = ROOT / "recordings"
    machines = ("state_machine.asl.json", "batch.asl.json", "webhook.asl.json")
    return {
        "build/recordings.zip": zipped(folder(root, "recordings")),
        **{f"recordings/{name}": (root / name).read_bytes() for name in machines},
    }


def packaged_recordings():
    """Return recordings.yaml as ``aws cloudformation package`` leaves it."""
    text = (ROOT / "recordings.yaml").read_text()
    code = f"{{S3Bucket: {ARTIFACTS}, S3Key: build/recordings.zip}}"
    text = text.replace("build/recordings.zip", code)
    for name in ("state_machine", "batch", "webhook"):
        key = f"recordings/{name}.asl.json"
        assert text.count(key) == 1
        text = text.replace(key, f"{{Bucket: {ARTIFACTS}, Key: {key}}}")
    return text


def endpoint_layer(config, clip):
    return zipped(
        {
            "endpoint/config.yaml": config,
            "endpoint/code/wheels/some.whl": b"a wheel",
            "endpoint/whisper_endpoint/selftest.wav": clip,
        }
    )


def packaged_template(text, keys):
    """Do to the template what ``aws cloudformation package`` does."""
    for key in keys:
        assert text.count(key) == 1
        text = text.replace(key, f"{{S3Bucket: {ARTIFACTS}, S3Key: {key}}}")
    return text
