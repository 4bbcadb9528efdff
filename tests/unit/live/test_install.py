# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What somebody has after ``pip install .`` in an empty environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from live_whisper.audio.call_file import read_call
from tests.unit.live.conftest import CALLS, answers_in_protobuf
from whisper_contract import transcription_pb2 as wire

if TYPE_CHECKING:
    from tests.unit.live.conftest import RuntimeServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
OURS = {"live_whisper", "whisper_contract", "whisper_stream"}
COMMANDS = ("live", "transcribe", "console")
# What the page's example leaves to its reader: the line it listens to, and what is looked at.
AROUND_THE_EXAMPLE = """
import sys
line = list(iter(lambda: sys.stdin.buffer.read(1600), b""))
exec(open(sys.argv[1]).read())
print(type(event).__name__, event.counts.finals, event.counts.finals_lost)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy, as a build leaves things next to what it builds."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("samples/", "docs/")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
    subprocess.run([*pip, "-w", copy / "dist", copy], check=True)
    (found,) = (copy / "dist").glob("*.whl")
    return found


class Environment:
    """An empty one, into which the wheel is installed."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.bin = folder / "bin"
        # Nothing of this checkout or of its environment is seen.
        self.variables = {"PATH": str(self.bin), "HOME": str(folder)}
        kept = ("PIP_", "AWS_ACCESS", "AWS_SECRET", "AWS_DEFAULT", "SSL_", "HTTP", "NO_PROXY")
        self.variables |= {n: v for n, v in os.environ.items() if n.upper().startswith(kept)}

    def run(self, command: str, *arguments: object, status: int = 0, feed: bytes = b"") -> str:
        done = subprocess.run(
            [self.bin / command, *map(str, arguments)],
            input=feed,
            env=self.variables,
            cwd=self.bin.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        said = done.stdout.decode()
        assert done.returncode == status, said
        return said


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("environment"))
    # What is used is compiled then.
    environment.run("pip", "install", "-q", "--no-compile", wheel)
    return environment


def test_only_our_two_packages_and_what_they_need_are_there(installed: Environment) -> None:
    ours = "from importlib.metadata import files; import sys; print(*files(sys.argv[1]), sep='\\n')"
    found = installed.run("python", "-c", ours, "whisper-live-sagemaker").splitlines()
    tops = {name.split("/")[0] for name in found}
    assert {top for top in tops if not top.endswith(".dist-info") and top != ".."} == OURS
    assert [name for name in found if name.startswith("..")] == ["../../../bin/whisper-sagemaker"]
    for packaged in (
        *("live_whisper/py.typed", "whisper_contract/py.typed", "whisper_contract/formats/form.py"),
        *("live_whisper/console/static/index.html", "whisper_contract/transcription.proto"),
        *("whisper_contract/schemas/request.schema.json", "whisper_contract/transcription_pb2.pyi"),
    ):
        assert packaged in found
    assert not [name for name in found if "lca_client" in name]
    sites = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(installed.run("python", "-c", sites).strip())
    for generic in ("live", "contract", "tests", "scripts", "benchmarks", "local_cloud", "docs"):
        assert not (site / generic).exists()


def test_the_command_says_what_it_does(installed: Environment) -> None:
    whole = installed.run("whisper-sagemaker", "--help")
    assert all(re.search(rf"^ +{command}\b", whole, re.MULTILINE) for command in COMMANDS)
    assert "lca" not in whole
    for command in COMMANDS:
        assert f"usage: whisper-sagemaker {command}" in installed.run(
            "whisper-sagemaker", command, "--help"
        )
    assert whole == installed.run("python", "-m", "live_whisper", "--help")
    packages = "import live_whisper, whisper_contract; whisper_contract.request_schema()"
    assert installed.run("python", "-c", packages) == ""


def test_a_file_is_transcribed(installed: Environment, runtime: RuntimeServer) -> None:
    runtime.body = b"hello\n"
    call = CALLS / "agent-and-caller-overlap.wav"
    assert installed.run("whisper-sagemaker", "transcribe", call, "--url", runtime.url) == "hello\n"
    assert runtime.requests[0][2] == call.read_bytes()


def test_the_pages_example_runs(
    installed: Environment, runtime: RuntimeServer, tmp_path: Path
) -> None:
    answers_in_protobuf(runtime)
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/live.md").read_text(), re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    samples = read_call(CALLS / "agent-and-caller-overlap.wav").samples
    installed.variables |= {
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": runtime.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    said = installed.run(
        "python", "-c", AROUND_THE_EXAMPLE, tmp_path / "example.py", feed=mulaw(samples)
    )
    kind, finals, lost = said.split()
    assert (kind, lost) == ("CallEnded", "0")
    sent = [wire.TranscribeRequest.FromString(body) for _, _, body in runtime.requests]
    assert sum(not one.partial for one in sent) == int(finals) > 2


def mulaw(samples: np.ndarray) -> bytes:
    """Compress by looking each sample up among what the codes stand for."""
    from whisper_stream.audio.samples import Encoding, decode

    values = decode(bytes(range(256)), Encoding.MULAW, 1)[:, 0]
    order = np.argsort(values)
    codes: np.ndarray = order[np.searchsorted(values[order][:-1], samples)]
    return codes.astype(np.uint8).tobytes()


def test_the_console_says_what_it_needs_and_runs_with_it(
    installed: Environment, wheel: Path
) -> None:
    ask = ("whisper-sagemaker", "console", "--endpoint-name", "whisper", "--region", "eu-west-1")
    assert 'pip install ".[console]"' in installed.run(*ask, status=2)
    installed.run("pip", "install", "-q", "--no-compile", f"{wheel}[console]")
    page = "from live_whisper.console import serving, server; print(list(server.STATIC.iterdir()))"
    assert "index.html" in installed.run("python", "-c", page)
    assert "Port 99999 cannot be used" in installed.run(*ask, "--port", "99999", status=2)
