# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Mixed requests to the served endpoint, whose engine is killed in the middle of them."""

import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.endpoint.helpers import lca_body
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


def test_who_is_answered_gets_the_text_that_he_gets_alone(archive: Path, tmp_path: Path) -> None:
    drafts = draw(18, languages=("en", "es", None), longest=20, beams=(1, 2, 5))
    bodies = [lca_body(draft.audio, **draft.parameters) for draft in drafts]
    order = [number % len(bodies) for number in range(REQUESTS)]
    random.Random(11).shuffle(order)
    server = Server(archive, tmp_path, **SETTINGS)
    try:
        server.run()
        server.until(lambda: server.health() == 200)
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
    finally:
        server.stop()
    assert server.processes() == []
