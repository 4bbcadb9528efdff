# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The program under Ray Serve: health, long audio, and an engine and a proxy that are killed."""

import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.unit.endpoint.helpers import SENTENCE, clip_samples, lca_body, wav
from tests.unit.endpoint.mixtures import draw
from tests.unit.endpoint.server import Server

pytestmark = pytest.mark.slow

CALLERS = 8
REQUESTS = 72
ANSWERED_BEFORE = 24
SETTINGS = {
    "WHISPER_MAX_ENGINE_FAILURES": "1000",
    # A busy machine is no failure.
    "WHISPER_DEADLINE_S": "300",
}

Said = tuple[int, object, object]


def said(answer: tuple[int, dict[str, object]]) -> Said:
    """What an answer says: its status, then language and segments, or the refusal's code."""
    status, body = answer
    return (status, body.get("language"), body.get("segments", body.get("code")))


@contextmanager
def without_weights(archive: Path) -> Iterator[None]:
    """No engine can start meanwhile; the one that runs has them in memory."""
    archive.chmod(0o755)
    weights, away = archive / "weights", archive / "away"
    weights.rename(away)
    try:
        yield
    finally:
        away.rename(weights)


def kill_in_the_middle(server: Server, asked: "list[Future[Said]]") -> int:
    """Kill the engine once a number of requests is answered; returns how many then are."""
    (engine,) = server.replicas("engine:Engine")
    while sum(one.done() for one in asked) < ANSWERED_BEFORE:
        wait([one for one in asked if not one.done()], return_when=FIRST_COMPLETED)
    os.kill(engine, signal.SIGKILL)
    return sum(one.done() for one in asked)


@pytest.fixture(scope="module")
def server(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One container for both tests: each takes it as healthy, and leaves it so."""
    server = Server(archive, tmp_path_factory.mktemp("server"), **SETTINGS)
    try:
        assert server.health() == 503
        server.run()
        server.until(lambda: server.health() == 200)
        yield server
    finally:
        server.stop()
    assert server.processes() == []


def test_health_is_honest_and_a_killed_engine_comes_back(server: Server) -> None:
    server.until(lambda: "the known clip was transcribed" in server.log())
    server.until(lambda: "the first request: status 200" in server.log())
    # Engine, ingress and proxy: none is stopped for what it loaded at its start.
    server.until(lambda: server.says("objects are exempt from garbage collection") == 3)

    status, body = server.post(lca_body())
    assert (status, body["text"]) == (200, SENTENCE)
    assert server.post(b"{")[1]["code"] == "MalformedBody"
    server.until(lambda: server.log().count("status=400 code=MalformedBody") == 1)

    # Too large to come with its request, and its piece too large for gRPC's usual 4 MiB.
    long = np.tile(clip_samples()[::2], 70)[: 180 * 8_000]
    status, body = server.post(lca_body(wav(long, 8_000), vad_filter=False))
    assert (status, body.get("error")) == (200, None)
    # Clips without a pause between them confuse the model; six windows have 30 words each.
    assert len(body["text"].split()) > 150
    # The request handler has a line for each request: Serve's own would be a second.
    assert "-- CALL /" not in server.log()
    assert "-- POST /" not in server.log()

    server.kill_engine()
    answers = []

    def is_back() -> bool:
        answers.append(server.post(lca_body()))
        return answers[-1][0] == 200

    server.until(is_back)
    assert answers[-1][1]["text"] == SENTENCE
    assert {status for status, _ in answers} <= {200, 503}
    assert SENTENCE not in server.log()

    (ingress,) = server.replicas("api:Ingress")
    os.kill(ingress, signal.SIGKILL)
    server.until(lambda: server.health() == 503)
    server.until(lambda: server.health() == 200)
    assert server.post(lca_body())[0] == 200

    (proxy,) = server.proxies()
    os.kill(proxy, signal.SIGKILL)
    server.until(lambda: server.health() == 0)
    server.until(lambda: server.health() == 200)
    served = server.log().count("status=200")
    status, body = server.post(lca_body())
    assert (status, body["text"]) == (200, SENTENCE)
    server.until(lambda: server.log().count("status=200") > served)
    # The new proxy does not wait for a first answer again.
    assert server.log().count("the first request: ") == 1


def test_who_is_answered_gets_the_text_that_he_gets_alone(archive: Path, server: Server) -> None:
    drafts = draw(18, languages=("en", "es", None), longest=20, beams=(1, 2, 5))
    bodies = [lca_body(draft.audio, **draft.parameters) for draft in drafts]
    order = [number % len(bodies) for number in range(REQUESTS)]
    random.Random(11).shuffle(order)
    alone = [said(server.post(body)) for body in bodies]
    assert {status for status, *_ in alone} == {200}
    assert len({str(answer) for answer in alone}) > len(alone) // 2
    others = server.replicas("api:Ingress")

    def ask(number: int) -> Said:
        return said(server.post(bodies[number]))

    with ThreadPoolExecutor(CALLERS) as callers:
        with without_weights(archive):
            asked = [callers.submit(ask, number) for number in order]
            before = kill_in_the_middle(server, asked)
            # Whoever waited for the engine is answered although there cannot be one.
            answers = [one.result() for one in asked]
        refused = [number for number, one in zip(order, answers, strict=True) if one[0] != 200]
        assert REQUESTS - len(refused) <= before + CALLERS
        for number, answer in zip(order, answers, strict=True):
            assert answer in (alone[number], (503, None, "EngineUnavailable"))

        server.until(lambda: ask(0) == alone[0])
        assert list(callers.map(ask, refused)) == [alone[number] for number in refused]
    # Nothing else of the container had to be started again.
    assert server.replicas("api:Ingress") == others
