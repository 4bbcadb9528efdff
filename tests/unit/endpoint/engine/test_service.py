# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import asyncio
import threading
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.endpoint.helpers import CLIP, SENTENCE, hang_ups
from whisper_endpoint import errors
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.observer import EngineSignals
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.engine_client import EngineClient, EngineLost
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters, Prepared, Priority
from whisper_endpoint.metrics.collector import ENGINE_COUNTS, Metric, Signals
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

CLIP_PREPARED = prepare(CLIP, Features(80), max_seconds=10, vad_filter=True)
HEARD = CLIP_PREPARED.windows[0].features
# The clip, and silence up to 29 s.
LONG_WINDOW = replace(
    CLIP_PREPARED.windows[0], features=np.pad(HEARD, ((0, 0), (0, 2900 - HEARD.shape[1])))
)
PARAMETERS = Parameters(language="en", temperature=(0.0,))
DONE = Transcript("en", ())


def test_the_service_transcribes_and_says_what_the_model_is(engine: WhisperEngine) -> None:
    async def scenario() -> None:
        service = EngineService(engine, EndpointSettings())
        try:
            answer = await service.transcribe(CLIP_PREPARED, PARAMETERS, 60)
            assert isinstance(answer, Transcript)
            assert answer.text == SENTENCE
            assert service.facts == engine.facts
            await service.check_health()
        finally:
            service.stop()
        with pytest.raises(errors.EngineUnavailable):
            await service.check_health()
        stopped = await service.transcribe(CLIP_PREPARED, PARAMETERS, 60)
        assert isinstance(stopped, errors.EngineUnavailable)

    asyncio.run(scenario())


def test_a_request_out_of_time_is_answered(engine: WhisperEngine) -> None:
    async def scenario() -> None:
        service = EngineService(engine, EndpointSettings(max_batch_size=1))
        try:
            answer = await service.transcribe(CLIP_PREPARED, PARAMETERS, 0.001)
            assert isinstance(answer, errors.DeadlineExceeded)
            again = await service.transcribe(CLIP_PREPARED, PARAMETERS, 60)
            assert isinstance(again, Transcript)
        finally:
            service.stop()

    asyncio.run(scenario())


def test_a_file_that_cannot_be_done_in_time_is_refused_at_once(engine: WhisperEngine) -> None:
    async def scenario() -> None:
        service = EngineService(engine, EndpointSettings(max_batch_size=2))
        try:
            many = Prepared(
                CLIP_PREPARED.windows * 8, 240.0, Priority.FILE, windows_to_come=1_000_000
            )
            answer = await service.transcribe(many, PARAMETERS, 55)
            assert isinstance(answer, errors.TakesTooLong)
            assert "1000008 windows" in answer.message
            assert "InvokeEndpointAsync" in answer.message
        finally:
            service.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("max_batch_size", "workers", "sizes"), [(0, 1, [2, 1]), (0, 2, [1, 1, 1]), (3, 1, [3])]
)
def test_on_a_cpu_the_batches_of_files_are_bounded_unless_the_operator_bounds_them(
    engine: WhisperEngine,
    monkeypatch: pytest.MonkeyPatch,
    max_batch_size: int,
    workers: int,
    sizes: list[int],
) -> None:
    monkeypatch.setattr(engine, "workers", workers)
    monkeypatch.setattr("whisper_endpoint.engine.service.choose_batch_size", lambda *_: 3)
    decoded: list[int] = []

    async def scenario() -> None:
        service = EngineService(engine, EndpointSettings(max_batch_size=max_batch_size))
        decode = engine.decode

        def counted(batch: Any) -> Any:
            decoded.append(len(batch))
            return decode(batch)

        monkeypatch.setattr(engine, "decode", counted)
        try:
            file = Prepared((LONG_WINDOW,) * 3, 240.0, Priority.FILE)
            answer = await service.transcribe(file, PARAMETERS, 60)
            assert isinstance(answer, Transcript)
        finally:
            service.stop()

    asyncio.run(scenario())
    assert decoded == sizes


def test_windows_nobody_waits_for_make_room_while_the_engine_is_busy(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    signals = Signals(ENGINE_COUNTS)

    async def scenario() -> list[Transcript | errors.EndpointError]:
        settings = EndpointSettings(max_queued_windows=3, max_batch_size=1)
        service = EngineService(engine, settings, EngineSignals(signals))
        decode = engine.decode

        def slow(batch: Any) -> Any:
            go_on.wait(timeout=60)
            return decode(batch)

        monkeypatch.setattr(engine, "decode", slow)
        answers = []
        try:
            for _ in range(3):
                requests = (service.transcribe(CLIP_PREPARED, PARAMETERS, 0.1) for _ in range(3))
                answers += await asyncio.gather(*requests)
            return answers
        finally:
            go_on.set()
            service.stop()

    answers = asyncio.run(scenario())
    assert [type(answer) for answer in answers] == [errors.DeadlineExceeded] * 9
    # All but the one that was being decoded, though no batch was over in the meantime.
    assert signals.read().counts[Metric.EXPIRED] == 8


def test_for_callers_who_hang_up_nothing_is_decoded_but_the_batches_that_run(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    begun, go_on = threading.Event(), threading.Event()
    count = hang_ups(1000)

    async def scenario() -> Transcript | errors.EndpointError:
        settings = EndpointSettings(max_batch_size=2, max_queued_windows=count)
        service = EngineService(engine, settings)
        decode = engine.decode

        def held(batch: Any) -> Any:
            decoded.append(len(batch))
            begun.set()
            go_on.wait(timeout=60)
            return decode(batch)

        monkeypatch.setattr(engine, "decode", held)
        asked = [
            asyncio.ensure_future(service.transcribe(CLIP_PREPARED, PARAMETERS, 60))
            for _ in range(count)
        ]
        try:
            assert await asyncio.to_thread(begun.wait, 60)
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            assert all(one.cancelled() for one in asked)
            running = len(decoded)
            assert running <= engine.workers
            go_on.set()
            answer = await service.transcribe(CLIP_PREPARED, PARAMETERS, 60)
            print(f"batches after {count} hang-ups: found {len(decoded) - running - 1}, wanted 0")
            assert decoded[running:] == [1]
            return answer
        finally:
            go_on.set()
            service.stop()

    answer = asyncio.run(scenario())
    assert isinstance(answer, Transcript)
    assert answer.text == SENTENCE


def test_an_engine_that_hangs_is_not_healthy(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    decode = engine.decode

    def hang(batch: Any) -> Any:
        go_on.wait(timeout=60)
        return decode(batch)

    async def scenario() -> None:
        service = EngineService(
            engine, EndpointSettings.model_construct(deadline_s=0.1, max_batch_size=1)
        )
        try:
            monkeypatch.setattr(engine, "decode", hang)
            await service.check_health()
            answer = await service.transcribe(CLIP_PREPARED, PARAMETERS, 0.3)
            assert isinstance(answer, errors.DeadlineExceeded)
            with pytest.raises(errors.EngineUnavailable, match="is stuck in decoding"):
                await service.check_health()
            go_on.set()
            monkeypatch.undo()
            again = await service.transcribe(CLIP_PREPARED, PARAMETERS, 60)
            assert isinstance(again, Transcript)
            while service._worker.busy_s:
                await asyncio.sleep(0.01)
            await service.check_health()
        finally:
            go_on.set()
            service.stop()

    asyncio.run(scenario())


def test_more_windows_than_the_queue_holds_are_refused(engine: WhisperEngine) -> None:
    async def scenario() -> None:
        service = EngineService(engine, EndpointSettings(max_queued_windows=3))
        try:
            many = Prepared(CLIP_PREPARED.windows * 4, 10.0, Priority.FILE)
            answer = await service.transcribe(many, PARAMETERS, 60)
            assert isinstance(answer, errors.Overloaded)
        finally:
            service.stop()

    asyncio.run(scenario())


def test_a_model_that_fails_the_self_test_is_not_served(
    multilingual_engine: WhisperEngine,
) -> None:
    with pytest.raises(errors.SelfTestFailed):
        EngineService(multilingual_engine, EndpointSettings())


def test_the_self_test_is_judged_by_the_setting(multilingual_engine: WhisperEngine) -> None:
    async def scenario() -> None:
        service = EngineService(multilingual_engine, EndpointSettings(self_test="text"))
        assert service.facts == multilingual_engine.facts
        service.stop()

    asyncio.run(scenario())


class FakeRemote:
    """An engine in another process: there, hanging, or lost."""

    def __init__(self) -> None:
        self.call: Any = DONE
        self.is_there = True
        self.calls = 0
        self.pings = 0
        self.returned = asyncio.Event()

    async def _hang(self) -> Any:
        await asyncio.Event().wait()

    async def _transcribe(self) -> Any:
        self.calls += 1
        if isinstance(self.call, EngineLost):
            raise self.call
        return await self._hang() if self.call is None else self.call

    def transcribe(self, *_: Any) -> Awaitable[Any]:
        return self._transcribe()

    async def ping(self) -> None:
        self.pings += 1
        if not self.is_there:
            await self.returned.wait()


def link(remote: FakeRemote, ping_timeout_s: float = 0.01) -> EngineClient:
    return EngineClient(
        remote.transcribe, remote.ping, patience_s=0.01, ping_timeout_s=ping_timeout_s
    )


def test_pings_are_no_calls_of_the_request_that_begins_them() -> None:
    # Serve cancels what was called in the context of a request when its caller hangs up.
    request = ContextVar[str | None]("request", default=None)
    pinged_by: list[str | None] = []

    class RememberingRemote(FakeRemote):
        async def ping(self) -> None:
            pinged_by.append(request.get())
            await super().ping()

    async def scenario() -> None:
        request.set("one")
        remote = RememberingRemote()
        remote.call, remote.is_there = None, False
        client = link(remote)
        with pytest.raises(errors.EngineUnavailable):
            await client.transcribe(CLIP_PREPARED, PARAMETERS, 60)
        while len(pinged_by) < 2:  # the watch's, and the recovery's
            await asyncio.sleep(0)
        remote.returned.set()

    asyncio.run(scenario())
    assert pinged_by == [None, None]


def test_an_answer_is_passed_on_and_a_refusal_raised() -> None:
    async def scenario() -> None:
        remote = FakeRemote()
        assert await link(remote).transcribe(CLIP_PREPARED, PARAMETERS, 60) is DONE
        remote.call = errors.Overloaded("full")
        with pytest.raises(errors.Overloaded):
            await link(remote).transcribe(CLIP_PREPARED, PARAMETERS, 60)
        assert remote.pings == 0

    asyncio.run(scenario())


def test_a_slow_engine_that_answers_pings_is_waited_for_until_the_deadline() -> None:
    async def scenario() -> None:
        remote = FakeRemote()
        remote.call = None
        with pytest.raises(errors.DeadlineExceeded):
            await link(remote, ping_timeout_s=60).transcribe(CLIP_PREPARED, PARAMETERS, 0.2)
        assert remote.pings > 0

    asyncio.run(scenario())


def test_calls_that_wait_share_their_pings() -> None:
    async def scenario() -> None:
        remote = FakeRemote()
        remote.call = None
        line = link(remote, ping_timeout_s=60)
        calls = [asyncio.ensure_future(_waits(line)) for _ in range(50)]
        while remote.pings < 3:
            await asyncio.sleep(0)
        assert remote.pings < len(calls) == remote.calls
        for one in calls:
            one.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        pings = remote.pings
        await asyncio.sleep(0.1)
        assert remote.pings == pings  # no call waits any longer
        remote.call = DONE
        for _ in range(3):
            assert await _waits(line) is DONE

    async def _waits(line: EngineClient) -> Transcript:
        return await line.transcribe(CLIP_PREPARED, PARAMETERS, 60)

    asyncio.run(scenario())


def test_an_engine_that_says_itself_that_the_time_is_over_is_heard() -> None:
    class Punctual(FakeRemote):
        async def _transcribe(self) -> Any:
            await asyncio.sleep(0.1)
            return errors.DeadlineExceeded("The engine's own words.")

    async def scenario() -> None:
        with pytest.raises(errors.DeadlineExceeded, match="own words"):
            await link(Punctual(), ping_timeout_s=60).transcribe(CLIP_PREPARED, PARAMETERS, 0.1)

    asyncio.run(scenario())


@pytest.mark.parametrize("call", [None, EngineLost()])
def test_a_lost_engine_is_503_at_once_until_it_is_back(call: EngineLost | None) -> None:
    async def scenario() -> None:
        remote = FakeRemote()
        remote.call, remote.is_there = call, False
        line = link(remote)
        for _ in range(3):
            with pytest.raises(errors.EngineUnavailable) as caught:
                await line.transcribe(CLIP_PREPARED, PARAMETERS, 60)
            assert caught.value.status == 503
        assert remote.calls == 1
        remote.call, remote.is_there = DONE, True
        remote.returned.set()
        await asyncio.sleep(0.05)
        assert await line.transcribe(CLIP_PREPARED, PARAMETERS, 60) is DONE

    asyncio.run(scenario())


def test_recovery_outlives_a_ping_that_fails() -> None:
    async def scenario() -> None:
        remote = FakeRemote()
        remote.call = EngineLost()
        failures = [ValueError("anything"), EngineLost()]
        answer = remote.ping

        async def ping() -> None:
            if failures:
                raise failures.pop()
            await answer()

        remote.ping = ping  # type: ignore[method-assign]
        line = link(remote)
        with pytest.raises(errors.EngineUnavailable):
            await line.transcribe(CLIP_PREPARED, PARAMETERS, 60)
        remote.call = DONE
        await asyncio.sleep(0.2)
        assert await line.transcribe(CLIP_PREPARED, PARAMETERS, 60) is DONE

    asyncio.run(scenario())
