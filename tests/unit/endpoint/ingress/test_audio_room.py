# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The audio of all requests together stays within its room, and nobody waits for ever."""

import asyncio
import gc
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.endpoint.helpers import lca_body, silence, wav
from tests.unit.endpoint.http_requests import http_request
from tests.unit.endpoint.media import index_bomb
from whisper_endpoint import errors
from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.decode import decode
from whisper_endpoint.ingress import handler, intake
from whisper_endpoint.ingress.audio_room import AudioRoom, Holding
from whisper_endpoint.ingress.handler import HttpRequest, RequestHandler
from whisper_endpoint.messages import Prepared
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

FACTS = ModelInfo(80, ("en",), multilingual=False)
PIECE_BYTES = 16 * 80 * 3_000 * 4
FEW = 3


def test_who_came_first_is_let_in_first() -> None:
    async def scenario() -> list[str]:
        room, told = AudioRoom(10, 10), list[str]()
        await room.take(8, 1, is_live=False)

        async def want(name: str, size: int) -> None:
            await room.take(size, 60, is_live=False)
            told.append(name)

        waiting = [asyncio.create_task(want("large", 9)), asyncio.create_task(want("small", 2))]
        await asyncio.sleep(0)
        assert told == []
        room.change(-8, is_live=False)
        await waiting[0]
        assert told == ["large"]
        room.change(-9, is_live=False)
        await waiting[1]
        assert room.used_bytes == 2
        return told

    assert asyncio.run(scenario()) == ["large", "small"]


def test_files_leave_room_to_live_calls_and_wait_behind_them() -> None:
    async def scenario() -> None:
        room, told = AudioRoom(10, 6), list[str]()
        await room.take(6, 1, is_live=False)

        async def want(name: str, size: int, *, is_live: bool) -> None:
            await room.take(size, 60, is_live=is_live)
            told.append(name)

        file = asyncio.create_task(want("file", 1, is_live=False))
        await want("live", 3, is_live=True)
        live = asyncio.create_task(want("more live", 5, is_live=True))
        await asyncio.sleep(0)
        room.change(-1, is_live=False)
        await asyncio.sleep(0)
        # There would be room for the file now.
        assert told == ["live"]
        room.change(-3, is_live=False)
        await live
        room.change(-3, is_live=True)
        await file
        assert told == ["live", "more live", "file"]

    asyncio.run(scenario())


@pytest.mark.parametrize("ends", [lambda task: task.cancel(), lambda task: None])
def test_who_gives_up_makes_room_for_the_next(ends: Callable[[Any], object]) -> None:
    async def scenario() -> None:
        room = AudioRoom(10, 10)
        await room.take(5, 1, is_live=True)
        first = asyncio.create_task(room.take(6, 0.05, is_live=True))
        second = asyncio.create_task(room.take(5, 60, is_live=True))
        await asyncio.sleep(0)
        ends(first)
        with pytest.raises((errors.Overloaded, asyncio.CancelledError)) as caught:
            await first
        await second
        assert room.used_bytes == 10
        if isinstance(caught.value, errors.Overloaded):
            assert "all the memory available for it: try again" in caught.value.message

    asyncio.run(scenario())


def test_who_gives_up_as_it_is_let_in_holds_nothing() -> None:
    async def scenario() -> None:
        room = AudioRoom(10, 10)
        await room.take(10, 1, is_live=True)
        waiting = asyncio.create_task(room.take(5, 60, is_live=True))
        await asyncio.sleep(0)
        room.change(-10, is_live=True)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert room.used_bytes == 0

    asyncio.run(scenario())


def test_a_request_that_is_over_holds_nothing() -> None:
    async def scenario() -> None:
        room = AudioRoom(10, 10)
        held = Holding(room)
        await held.take(3, 1, is_live=True)
        await held.take(4, 1, is_live=False)
        held.change(-1, is_live=True)
        assert room.used_bytes == 6
        held.release()
        assert room.used_bytes == 0

    asyncio.run(scenario())


class Counting:
    """An engine that answers when it is told to, and knows how many pieces it has."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.pieces = 0
        self.most_pieces = 0
        self.was_asked = asyncio.Event()

    async def transcribe(self, piece: Prepared, *_: Any) -> Transcript:
        self.pieces += 1
        self.most_pieces = max(self.pieces, self.most_pieces)
        self.was_asked.set()
        try:
            await self.go_on.wait()
        finally:
            self.pieces -= 1
        return Transcript("en", ())


def file() -> HttpRequest:
    body = wav(silence(61)[::2], 8_000)
    return http_request(body, content_type="audio/wav", attributes="vad_filter=false")


def of_room(monkeypatch: pytest.MonkeyPatch, engine: Counting, room: AudioRoom) -> RequestHandler:
    monkeypatch.setattr(handler, "AudioRoom", lambda: room)
    return RequestHandler(EndpointSettings(), FACTS, engine)


def test_features_of_files_wait_for_room_and_live_calls_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        engine, room = Counting(), AudioRoom(3 * PIECE_BYTES, PIECE_BYTES)
        monkeypatch.setattr(intake, "_FILE_BYTES", PIECE_BYTES // FEW)
        asked = of_room(monkeypatch, engine, room)
        files = [asyncio.create_task(asked.answer(file())) for _ in range(FEW)]
        await engine.was_asked.wait()
        engine.was_asked.clear()
        live = asyncio.create_task(asked.answer(http_request(lca_body())))
        while engine.pieces + len(room._files.waiting) < FEW + 1:
            await asyncio.sleep(0.01)
        assert engine.pieces == 2
        engine.go_on.set()
        assert {one.status for one in await asyncio.gather(*files, live)} == {200}
        assert engine.most_pieces == 2
        assert room.used_bytes == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("is_file", [True, False])
def test_who_finds_no_room_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch, *, is_file: bool
) -> None:
    async def scenario() -> None:
        engine, room = Counting(), AudioRoom()
        engine.go_on.set()
        asked = of_room(monkeypatch, engine, room)
        room.change(10**9, is_live=not is_file)
        take = AudioRoom.take

        async def at_once(self: AudioRoom, size: int, seconds: float, *, is_live: bool) -> None:
            assert 0 < seconds <= 55
            await take(self, size, 0, is_live=is_live)

        monkeypatch.setattr(AudioRoom, "take", at_once)

        def request() -> HttpRequest:
            return file() if is_file else http_request(lca_body())

        refused = await asked.answer(request())
        assert (refused.status, b"all the memory available for it" in refused.body) == (503, True)
        room.change(-(10**9), is_live=not is_file)
        assert (await asked.answer(request())).status == 200
        assert room.used_bytes == 0

    asyncio.run(scenario())


def test_what_is_short_holds_its_samples_and_features_until_it_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        engine, room = Counting(), AudioRoom()
        asked = of_room(monkeypatch, engine, room)
        body, attributes = wav(silence(10)), "vad_filter=false"
        request = http_request(body, content_type="audio/wav", attributes=attributes)
        waiting = asyncio.create_task(asked.answer(request))
        await engine.was_asked.wait()
        assert room.used_bytes == 10 * 16_000 * 4 + 80 * 3_000 * 4
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert room.used_bytes == 0

    asyncio.run(scenario())


LONG = wav(silence(61)[::2], 8_000)


# The last is refused among live audio, and decoded again among files.
@pytest.mark.parametrize(
    ("body", "status", "most_s"),
    [(LONG, 413, 60), (b"no audio", 422, 60), (index_bomb(8), 422, 3600), (LONG, 200, 3600)],
)
def test_what_was_refused_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, body: bytes, status: int, most_s: float
) -> None:
    seen: list[weakref.ref[FileBytes]] = []

    def watched(data: FileBytes, *given: Any, **named: Any) -> Any:
        seen.append(weakref.ref(data))
        return decode(data, *given, **named)

    monkeypatch.setattr(intake, "decode", watched)

    async def scenario() -> int:
        engine = Counting()
        engine.go_on.set()
        asked = RequestHandler(EndpointSettings(max_audio_s=most_s), FACTS, engine)
        request = http_request(body, content_type="audio/wav", attributes="vad_filter=false")
        return (await asked.answer(request)).status

    gc.disable()
    try:
        assert asyncio.run(scenario()) == status
        for _ in range(100):  # the thread may not have put it down yet
            if not any(one() for one in seen):
                break
            time.sleep(0.05)
        assert [one() for one in seen if one() is not None] == []
    finally:
        gc.enable()
