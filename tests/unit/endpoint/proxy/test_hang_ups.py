# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Callers who hang up, over HTTP through proxy, ingress and engine, each in its own process.

In process, at the engine: ``test_service.py``. ``HANG_UPS=1000`` is how many, in both.
"""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.unit.endpoint.helpers import CLIP, SENTENCE, hang_ups, lca_body
from tests.unit.endpoint.server import Server

pytestmark = pytest.mark.slow

# An ingress takes 128 requests unless it is told otherwise.
_AT_ONCE = 100

# The engine writes down who comes, who goes and which batches it decodes; while a file is there,
# a batch waits before it is decoded.
ENGINE = """

import asyncio, pathlib, time

_FOLDER = pathlib.Path({folder!r})
_transcribe, _begin = EngineService.transcribe, EngineService.__init__


def _note(line):
    with (_FOLDER / "notes").open("a") as notes:
        notes.write(line + "\\n")


def _watched(self, engine, *rest, **named):
    _begin(self, engine, *rest, **named)
    decode = engine.decode

    def held(batch):
        _note(f"batch {{len(batch)}}")
        while (_FOLDER / "hold").exists():
            time.sleep(0.01)
        return decode(batch)

    engine.decode = held


async def _counted(self, *arguments):
    _note("came")
    try:
        return await _transcribe(self, *arguments)
    except asyncio.CancelledError:
        _note("gone")
        raise


EngineService.__init__, EngineService.transcribe = _watched, _counted
"""


def watched(archive: Path, folder: Path) -> Path:
    """Return the archive with an engine that is watched; what it writes is in the folder."""
    copy = folder / "model"
    shutil.copytree(archive, copy)
    service = copy / "whisper_endpoint" / "engine" / "service.py"
    service.chmod(0o644)
    service.write_text(service.read_text() + ENGINE.format(folder=str(folder)))
    return copy


async def call(port: int) -> asyncio.StreamWriter:
    """Send a request whole, and do not wait for the answer."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nContent-Length: {len(CLIP)}"
    writer.write(f"{head}\r\n\r\n".encode() + CLIP)
    await writer.drain()
    return writer


class Watched:
    """The endpoint with an engine that is watched."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self._folder = folder
        self._read = 0
        self.server = Server(
            watched(archive, folder),
            folder,
            WHISPER_INGRESS_REPLICAS="1",
            WHISPER_ENGINE_WORKERS="1",
            WHISPER_MAX_BATCH_SIZE="2",
            WHISPER_DEADLINE_S="900",
        )

    def noted(self, kind: str) -> list[str]:
        """Return what the engine has written of a kind since the last turn."""
        lines = (self._folder / "notes").read_text().splitlines()[self._read :]
        return [line for line in lines if line.startswith(kind)]

    def turn(self, callers: int) -> list[str]:
        """Have callers hang up while a batch runs; returns the batches until one more is heard."""
        self._read += len(self.noted(""))
        hold = self._folder / "hold"
        hold.touch()
        asyncio.run(self._hang_up(callers))
        self.server.until(lambda: len(self.noted("gone")) == callers)
        hold.unlink()
        status, answer = self.server.post(lca_body())
        assert (status, answer["text"]) == (200, SENTENCE)
        return self.noted("batch")

    async def _hang_up(self, callers: int) -> None:
        port = int(self.server.url.rsplit(":", 1)[1])
        sent = [await call(port) for _ in range(callers)]
        try:
            all_came = lambda: len(self.noted("came")) == callers  # noqa: E731
            await asyncio.to_thread(self.server.until, all_came)
        finally:
            for one in sent:
                one.transport.abort()
            await asyncio.sleep(0)


def test_nothing_is_decoded_for_them_but_the_batch_that_runs(archive: Path, tmp_path: Path) -> None:
    count, more = hang_ups(_AT_ONCE), 0
    endpoint = Watched(archive, tmp_path)
    try:
        endpoint.server.run()
        endpoint.server.until(lambda: endpoint.server.health() == 200)
        for begin in range(0, count, _AT_ONCE):
            callers = min(_AT_ONCE, count - begin)
            running, *after, last = endpoint.turn(callers)
            more += len(after)
            print(f"{begin + callers} hang-ups, batches after them: found {more}, wanted 0")
            assert (after, last) == ([], "batch 1"), running
    finally:
        endpoint.server.stop()
