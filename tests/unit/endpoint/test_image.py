# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Our own image: its file, and the program that its container runs."""

import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import websockets.sync.client
import yaml
from openai import AsyncOpenAI

from deploy_whisper.endpoint.serve_environment import SERVE_ENVIRONMENT
from tests.unit.endpoint.helpers import CLIP, SENTENCE
from tests.unit.endpoint.proxy.realtime.conftest import speech

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "inference" / "Dockerfile").read_text()
SERVE = ROOT / "inference" / "image" / "serve.py"


def test_serve_is_told_what_it_is_told_on_sagemaker() -> None:
    given = dict(re.findall(r"^ *(?:ENV )?(RAY_\w+)=(\S+)", DOCKERFILE, re.MULTILINE))
    assert given == SERVE_ENVIRONMENT


def test_everything_that_is_copied_is_there_and_in_the_context() -> None:
    kept = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)", DOCKERFILE, re.MULTILINE)
        for source in line.replace("--chmod=755 ", "").split()[:-1]
    ]
    assert {Path(source).parts[0] for source in copied} == set(kept)
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_what_is_installed_is_pinned_with_hashes() -> None:
    assert re.findall(r"pip install (?!--require-hashes)(\S+)", DOCKERFILE) == [
        "cyclonedx-bom==7.5.0"
    ]
    assert 'com.amazonaws.sagemaker.capabilities.bidirectional-streaming="true"' in DOCKERFILE


def test_the_lock_has_what_the_program_asks_for() -> None:
    inference = ROOT / "inference"
    image = [inference / "image" / name for name in ("requirements", "cpu", "cuda")]
    asked = _pins(inference / "requirements.txt", *(name.with_suffix(".txt") for name in image))
    locked = _pins(*(name.with_suffix(".lock") for name in image))
    assert {"ray", "ctranslate2"} <= {pin.partition("==")[0] for pin in asked}
    assert asked <= locked


def _pins(*files: Path) -> set[str]:
    text = "\n".join(file.read_text() for file in files)
    pins = re.findall(r"^([\w.-]+)(?:\[\w+\])?(==[^\s;]+)", text, re.MULTILINE)
    return {name + version for name, version in pins}


def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    found = subprocess.run(
        [linter, ROOT / "inference" / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_linter_of_templates_finds_nothing_in_the_build() -> None:
    linter = Path(sys.executable).parent / "cfn-lint"
    template = ROOT / "inference" / "image" / "codebuild.yaml"
    found = subprocess.run(
        [linter, "--config-file", os.devnull, "-i", "W3002", "--", template],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


# After KubeRay's reference of ray.io/v1; of a pod what Kubernetes needs of one.
_POD = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["containers"],
            "properties": {
                "containers": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["name", "image"],
                        "properties": {
                            name: {"type": kind}
                            for name, kind in {
                                "name": "string",
                                "image": "string",
                                "env": "array",
                                "ports": "array",
                                "resources": "object",
                                "volumeMounts": "array",
                            }.items()
                        },
                        "additionalProperties": False,
                    },
                },
                "volumes": {"type": "array", "items": {"required": ["name"]}},
            },
            "additionalProperties": False,
        }
    },
}
_PARAMETERS = {"type": "object", "additionalProperties": {"type": "string"}}
_GROUP = {"rayStartParams": _PARAMETERS, "template": _POD}
_COUNT = {"type": "integer", "minimum": 0}
_COUNTS = dict.fromkeys(("replicas", "minReplicas", "maxReplicas"), _COUNT)
RAY_SERVICE = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayService"},
        "spec": {
            "type": "object",
            "required": ["serveConfigV2", "rayClusterConfig"],
            "properties": {
                "serveConfigV2": {"type": "string"},
                "rayClusterConfig": {
                    "type": "object",
                    "required": ["headGroupSpec"],
                    "properties": {
                        "rayVersion": {"type": "string"},
                        "headGroupSpec": {
                            "type": "object",
                            "required": ["template"],
                            "properties": _GROUP,
                            "additionalProperties": False,
                        },
                        "workerGroupSpecs": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["groupName", "template", "minReplicas", "maxReplicas"],
                                "properties": _GROUP | _COUNTS | {"groupName": {"type": "string"}},
                                "additionalProperties": False,
                            },
                        },
                    },
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        },
    },
}


def test_the_manifest_for_kubernetes_fits_its_schema_and_runs_the_same_applications() -> None:
    text = (ROOT / "inference" / "image" / "rayservice.yaml").read_text()
    service, policy = yaml.safe_load_all(text)
    jsonschema.validate(service, RAY_SERVICE)
    serve = yaml.safe_load(service["spec"]["serveConfigV2"])
    ours = yaml.safe_load((ROOT / "inference" / "config.yaml").read_text())
    assert serve["applications"] == ours["applications"]
    assert policy["kind"] == "NetworkPolicy"
    cluster = service["spec"]["rayClusterConfig"]
    requirements = (ROOT / "inference" / "image" / "requirements.txt").read_text()
    assert f"ray[serve]=={cluster['rayVersion']}\n" in requirements
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        given = {one["name"]: one["value"] for one in container["env"]}
        assert given == {"PYTHONPATH": "/opt/whisper", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except OSError as error:
        return getattr(error, "code", 0)


def _with(variable: str) -> list[int]:
    """Return the processes that have a variable in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"{variable}\0".encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


async def _by_openais_client(address: str) -> str:
    """Configure a session over HTTP, and open it with the secret."""
    options: Any = {"base_url": f"http://{address}/v1", "websocket_base_url": f"ws://{address}/v1"}
    heard = {"transcription": {"language": "en"}}
    session: Any = {"type": "transcription", "audio": {"input": heard}}
    async with AsyncOpenAI(api_key="none", **options) as server:
        secret = (await server.realtime.client_secrets.create(session=session)).value
    client = AsyncOpenAI(api_key=secret, **options)
    async with client, client.realtime.connect(extra_query={"intent": "transcription"}) as call:
        begun: Any = await call.recv()
        assert begun.session.to_dict()["audio"]["input"]["transcription"]["language"] == "en"
        audio = base64.b64encode(speech().tobytes()).decode()
        await call.input_audio_buffer.append(audio=audio)
        async for event in call:
            if event.type == "conversation.item.input_audio_transcription.completed":
                return event.transcript
    return ""


@pytest.mark.slow
def test_the_container_answers_sagemakers_routes_and_ends_when_asked(
    archive: Path, tmp_path: Path
) -> None:
    """The program that the image runs, on this machine's Ray."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        port, head = one.getsockname()[1], two.getsockname()[1]
    sessions = Path("/tmp") / f"ray-image-{head}"
    environment = os.environ | SERVE_ENVIRONMENT
    environment |= {
        "WHISPER_PROGRAM": str(archive),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
        "RAY_TMPDIR": str(sessions),
        "WHISPER_RAY_PORT": str(head),
    }
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("wb") as log:
        container = subprocess.Popen(
            [sys.executable, SERVE, "serve"], env=environment, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + 300
            while _status(f"{url}/ping") != 200 and time.monotonic() < deadline:
                assert container.poll() is None, (tmp_path / "log").read_text()[-3000:]
                time.sleep(0.5)
            request = urllib.request.Request(
                f"{url}/invocations", CLIP, {"Content-Type": "audio/wav"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert json.load(answer)["text"] == SENTENCE
            address = f"ws://127.0.0.1:{port}"
            with websockets.sync.client.connect(
                f"{address}/invocations-bidirectional-stream"
            ) as session:
                session.send(speech().tobytes())
                events = map(json.loads, session)
                done = next(one for one in events if one["type"].endswith(".completed"))
                assert done["transcript"] == SENTENCE
            assert asyncio.run(_by_openais_client(f"127.0.0.1:{port}")) == SENTENCE
            container.send_signal(signal.SIGTERM)
            assert container.wait(60) == 0
        finally:
            container.kill()
            container.wait()
            # A container's processes end with its first; here Ray's agents may outlive it.
            for pid in _with(f"WHISPER_RAY_PORT={head}"):
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(sessions, ignore_errors=True)
