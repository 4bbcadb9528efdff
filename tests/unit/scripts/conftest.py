# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A checkout in small, and an index with the few wheels that it needs."""

import hashlib
import os
import zipfile

import pytest


def make_wheel(folder, name, version="1.0", needs=(), files=None):
    """Write a real wheel that pip takes."""
    info = f"{name}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {need}\n" for need in needs)
    members = {
        f"{name}/__init__.py": f'"""{name}"""\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(files or {}),
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in members.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in members))


def lock(index, *pins):
    """Return a lock file for wheels of an index; each may be another file as well."""
    lines = []
    for pin in pins:
        name, _, version = pin.partition("==")
        wheel = index / f"{name}-{version}-py3-none-any.whl"
        digests = ("0" * 64, hashlib.sha256(wheel.read_bytes()).hexdigest())
        lines += [" \\\n    ".join([pin, *(f"--hash=sha256:{one}" for one in digests)])]
    return "\n".join(lines) + "\n"


def write(root, files):
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The only place that pip knows: a folder with small wheels."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder, "helper")
    make_wheel(folder, "engine", needs=["numbers-lib>=1", 'oldthing; python_version < "3.9"'])
    make_wheel(folder, "numbers_lib")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def root(tmp_path, index):
    """A checkout in small."""
    folder = tmp_path / "checkout"
    write(
        folder,
        {
            "template.yaml": "a: build/function.zip\nb: build/dependencies.zip\n"
            "c: build/endpoint.zip\n",
            "recordings.yaml": "a: build/recordings.zip\nb: build/recordings.zip\n",
            "recordings/handlers.py": "x = 1\n",
            "recordings/state_machine.asl.json": "{}",
            "recordings/batch.asl.json": "{}",
            "recordings/webhook.asl.json": "{}",
            "deploy_whisper/handler.py": "x = 1\n",
            "deploy_whisper/__pycache__/handler.cpython-311.pyc": "old",
            "layers/dependencies/requirements.txt": "# ours\nhelper==1.0\n",
            "layers/dependencies/requirements.lock": lock(index, "helper==1.0"),
            "layers/dependencies/whisper_sagemaker/__init__.py": "",
            "whisper_contract/schemas/request.schema.json": "{}",
            "whisper_stream/__init__.py": "",
            "inference/config.yaml": "applications: []\n",
            "inference/deployment.py": "",
            "inference/requirements.txt": "engine==1.0  # why\nnumbers-lib==1.0\n",
            "inference/requirements.lock": lock(index, "engine==1.0", "numbers_lib==1.0"),
            "inference/image-packages.txt": "# in the image\nNumbers_Lib\n",
            "inference/whisper_endpoint/__init__.py": "",
        },
    )
    return folder
