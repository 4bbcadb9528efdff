# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Live requests from body to answer: partials, finals, and what is superseded."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import whisper_contract
from benchmarks.lca_client.client import LcaClient
from live_whisper.audio.call_file import read_call
from tests.schemas import validate
from tests.unit.endpoint.helpers import CLIP, SENTENCE, WEIGHTS, clip_samples, lca_body, wav
from tests.unit.endpoint.http_requests import DirectEngine, http_request
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job
from whisper_endpoint.engine.observer import EngineSignals
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import RequestHandler
from whisper_endpoint.messages import Parameters, Prepared, Priority
from whisper_endpoint.metrics.collector import ENGINE_COUNTS, INGRESS_COUNTS, Metric, Signals
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

SECOND = 16_000
FINAL = wav(np.concatenate([clip_samples(), np.zeros(SECOND // 2, np.int16)]))


def partial(seconds: float) -> bytes:
    return lca_body(wav(clip_samples()[: round(seconds * SECOND)]))


def with_fields(body: bytes, **fields: object) -> bytes:
    return json.dumps(json.loads(body) | fields).encode()


class Endpoint(DirectEngine):
    """A handler and a service in this process; notes what passes between them."""

    def __init__(self, engine: WhisperEngine, **settings: Any) -> None:
        given = EndpointSettings(max_batch_size=4, **settings)
        self.engine_signals, self.ingress_signals = Signals(ENGINE_COUNTS), Signals(INGRESS_COUNTS)
        self.service = EngineService(engine, given, EngineSignals(self.engine_signals))
        super().__init__(self.service)
        self.handler = RequestHandler(given, engine.facts, self, self.ingress_signals)
        self.asked: list[tuple[Prepared, Parameters, float]] = []

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        self.asked.append((recording, parameters, seconds))
        return await super().transcribe(recording, parameters, seconds)

    async def answer(self, body: bytes) -> dict[str, Any]:
        answer = await self.handler.answer(http_request(body))
        document: dict[str, Any] = json.loads(answer.body)
        schema = (
            whisper_contract.response_schema()
            if answer.status == 200
            else whisper_contract.error_schema()
        )
        validate(document, schema)
        return document

    async def in_turn(self, bodies: list[bytes], hold: "Hold") -> list[dict[str, Any]]:
        """Answers to requests that come one after another while the first is being decoded."""
        hold.clear()
        waiting = []
        for count, body in enumerate(bodies, start=len(self.asked) + 1):
            waiting.append(asyncio.create_task(self.answer(body)))
            while len(self.asked) < count:
                await asyncio.sleep(0.01)
            assert await asyncio.to_thread(hold.begun.wait, 60)
        hold.set()
        return list(await asyncio.gather(*waiting))


@contextmanager
def endpoint(engine: WhisperEngine, **settings: Any) -> Iterator[Endpoint]:
    made = Endpoint(engine, **settings)
    try:
        yield made
    finally:
        made.service.stop()


@pytest.fixture
def jobs(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Every job that the engine gets."""
    seen: list[Job] = []
    tasks = engine.tasks

    def note(job: Job) -> Any:
        seen.append(job)
        return tasks(job)

    monkeypatch.setattr(engine, "tasks", note)
    return seen


class Hold(threading.Event):
    """The engine decodes while this is set; a batch that waits for it has ``begun``."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.set()

    def clear(self) -> None:
        self.begun.clear()
        super().clear()


@pytest.fixture
def hold(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> Hold:
    made, decode = Hold(), engine.decode

    def wait(batch: Any) -> Any:
        made.begun.set()
        made.wait(timeout=60)
        return decode(batch)

    monkeypatch.setattr(engine, "decode", wait)
    return made


@pytest.mark.parametrize(
    ("body", "settings", "beam"),
    [
        (partial(2), {}, 1),
        (partial(2), {"partial_beam_size": 0}, 5),
        (partial(2), {"partial_beam_size": 3}, 3),
        (partial(2), {"recognise_partials": "off"}, 5),
        (with_fields(partial(2), partial=False), {}, 5),
        (lca_body(FINAL), {}, 5),
        (lca_body(FINAL), {"max_beam_size": 2}, 2),
        (with_fields(lca_body(FINAL), partial=True), {}, 1),
    ],
)
def test_partials_are_decoded_greedily_and_finals_as_asked(
    engine: WhisperEngine, jobs: list[Job], body: bytes, settings: dict[str, Any], beam: int
) -> None:
    with endpoint(engine, **settings) as one:
        jobs.clear()
        asyncio.run(one.answer(body))
    (job,) = jobs
    assert job.parameters.beam_size == beam
    is_partial = job.scheduling.priority == Priority.PARTIAL
    partials = one.ingress_signals.read().counts[Metric.PARTIALS]
    assert partials == is_partial
    explicit = json.loads(body).get("partial")
    assert is_partial == (
        explicit
        if explicit is not None
        else body == partial(2) and "recognise_partials" not in settings
    )


def test_the_operators_language_wins(engine: WhisperEngine) -> None:
    with endpoint(engine, language_override="en") as one:
        answer = asyncio.run(one.answer(lca_body(FINAL, language="de")))
    assert (answer.get("text"), answer.get("language")) == (SENTENCE, "en")


def test_a_request_has_no_more_time_than_it_wants(engine: WhisperEngine) -> None:
    with endpoint(engine) as one:
        asyncio.run(one.answer(with_fields(lca_body(FINAL), deadline_ms=20_000)))
        asyncio.run(one.answer(with_fields(lca_body(FINAL), deadline_ms=3_600_000)))
        late = asyncio.run(one.answer(with_fields(lca_body(FINAL), deadline_ms=1)))
    (_, _, short), (_, _, usual) = one.asked[:2]
    assert short <= 20 < usual <= 55
    assert late["code"] == "DeadlineExceeded"


def test_a_newer_partial_replaces_those_that_wait_and_they_keep_the_caption(
    engine: WhisperEngine, jobs: list[Job], hold: Hold
) -> None:
    other = lca_body(wav(np.roll(clip_samples(), 4_000)))

    async def scenario(one: Endpoint) -> list[dict[str, Any]]:
        caption = await one.answer(partial(1.2))
        bodies = [other, partial(1.6), partial(2.0), partial(2.4)]
        return [caption, *await one.in_turn(bodies, hold)]

    with endpoint(engine) as one:
        caption, first, *superseded, newest = asyncio.run(scenario(one))
        alone = asyncio.run(one.answer(with_fields(partial(2.4), partial=True, call_id="x")))
    assert caption["text"] not in ("", SENTENCE)
    assert superseded == [caption | {"superseded": True}] * 2
    assert "superseded" not in first
    assert newest["text"] == alone["text"]
    assert one.engine_signals.read().counts[Metric.SUPERSEDED] == 2


def test_a_final_is_never_superseded_and_replaces_partials(
    engine: WhisperEngine, hold: Hold
) -> None:
    other = lca_body(wav(np.roll(clip_samples(), 4_000)))
    named = {"utterance_id": "u"}
    bodies = [
        other,
        with_fields(partial(2.0), partial=True, **named),
        with_fields(lca_body(FINAL), partial=False, **named),
        with_fields(partial(2.4), partial=True, **named),
    ]

    with endpoint(engine) as one:
        _, replaced, final, _ = asyncio.run(one.in_turn(bodies, hold))
    assert replaced == {"text": "", "language": "en", "segments": [], "superseded": True}
    assert (final["text"], "superseded" in final) == (SENTENCE, False)


def test_a_partial_that_comes_after_a_newer_one_is_not_decoded(
    engine: WhisperEngine, jobs: list[Job]
) -> None:
    named = {"partial": True, "utterance_id": "u", "call_id": "c", "channel": 1}

    async def scenario(one: Endpoint) -> list[dict[str, Any]]:
        return [
            await one.answer(with_fields(partial(seconds), sequence=number, **named))
            for seconds, number in ((1.2, 1), (2.4, 3), (2.0, 2))
        ]

    with endpoint(engine) as one:
        jobs.clear()
        first, newest, late = asyncio.run(scenario(one))
    assert first["text"] != newest["text"]
    # What the newer one says is not all in the older one's audio.
    assert (late["text"], late["superseded"]) == ("", True)
    assert one.engine_signals.read().counts[Metric.SUPERSEDED] == 1


def test_calls_that_play_the_same_audio_do_not_replace_each_other(
    engine: WhisperEngine, hold: Hold
) -> None:
    unnamed: list[dict[str, Any]] = [{}] * 4
    named: list[dict[str, Any]] = [{"partial": True, "call_id": str(n)} for n in range(4)]
    for fields in (unnamed, named):
        with endpoint(engine) as one:
            bodies = [with_fields(partial(2.4), **more) for more in fields]
            answers = asyncio.run(one.in_turn(bodies, hold))
        assert not any("superseded" in answer for answer in answers)


def test_a_partial_goes_on_from_words_that_are_sure_and_a_final_never_does(
    engine: WhisperEngine, jobs: list[Job]
) -> None:
    async def scenario(one: Endpoint) -> list[dict[str, Any]]:
        return [await one.answer(body) for body in [*map(partial, (1.7, 2.0, 2.2, 2.4)), final]]

    final = lca_body(FINAL)
    with endpoint(engine) as one:
        jobs.clear()
        answers = asyncio.run(scenario(one))
    forced = [job.scheduling.forced_prefix for job in jobs]
    assert forced[0] == forced[1] == ()
    assert forced[3]
    texts = [[t for s in answer["segments"] for t in s["tokens"]] for answer in answers]
    text_only = [[t for t in tokens if t < engine.end_token] for tokens in texts]
    for prefix, tokens in zip(forced, text_only, strict=True):
        assert tokens[: len(prefix)] == list(prefix)
    # All have timestamps: the first alone would be "no timestamps".
    assert all(tokens != text for tokens, text in zip(texts, text_only, strict=True))
    assert [job.scheduling.priority for job in jobs] == [Priority.PARTIAL] * 4 + [Priority.FINAL]
    assert forced[4] == ()
    with endpoint(engine) as other:
        assert asyncio.run(other.answer(final)) == answers[-1]

    with endpoint(engine, partial_prefix="off") as off:
        jobs.clear()
        asyncio.run(scenario(off))
    assert not any(job.scheduling.forced_prefix for job in jobs)


@pytest.mark.parametrize("path", sorted((WEIGHTS.parent / "calls").glob("*.wav")), ids=str)
def test_finals_of_a_call_do_not_depend_on_its_partials(path: Any, engine: WhisperEngine) -> None:
    """The client's requests, as they are, against the same finals alone."""
    recorded: list[tuple[bytes, bool, str]] = []
    with endpoint(engine) as one:
        runner = asyncio.Runner()

        def invoke(body: bytes) -> bytes:
            return json.dumps(runner.run(one.answer(body))).encode()

        bodies: list[bytes] = []

        def keep(body: bytes) -> bytes:
            bodies.append(body)
            return invoke(body)

        recorded.extend(
            (bodies[-1], result.is_partial, result.text)
            for result in LcaClient(keep).transcribe(read_call(path))
        )
        runner.close()
    finals = [(body, text) for body, is_partial, text in recorded if not is_partial]
    assert len(finals) > 5
    with endpoint(engine) as alone:
        for body, text in finals:
            assert asyncio.run(alone.answer(body))["text"] == text


@pytest.mark.parametrize("partial", [False, True])
def test_a_long_recording_is_a_file_whatever_it_says(
    engine: WhisperEngine, jobs: list[Job], *, partial: bool
) -> None:
    pause = np.zeros(SECOND, np.int16)
    samples = np.concatenate([clip_samples(), pause] * 17)
    long = {"audio_data": base64.b64encode(wav(samples)).decode(), "call_id": "c"}
    sent = long | {"partial": partial, "parameters": {"beam_size": 2}}
    short = {"audio_data": base64.b64encode(FINAL).decode(), "call_id": "c"}
    with endpoint(engine) as one:
        jobs.clear()
        for body in (sent, short):
            asyncio.run(one.answer(json.dumps(body).encode()))
    *pieces, last = jobs
    assert {job.scheduling.priority for job in pieces} == {Priority.FILE}
    # Searched as a file too: with the beam that was asked for, and fallback.
    assert {job.parameters.beam_size for job in pieces} == {2}
    assert all(len(job.parameters.temperature) > 1 for job in pieces)
    assert last.scheduling.priority == Priority.FINAL
    assert one.ingress_signals.read().counts[Metric.PARTIALS] == 0


def test_fields_of_a_call_are_checked(engine: WhisperEngine) -> None:
    body = {"audio_data": base64.b64encode(CLIP).decode()}
    with endpoint(engine) as one:

        def refuse(**fields: object) -> str:
            refusal = asyncio.run(one.answer(json.dumps(body | fields).encode()))
            return f"{refusal['code']} {refusal['field']}"

        assert refuse(partial="yes") == "InvalidParameter partial"
        assert refuse(channel=-1) == "InvalidParameter channel"
        assert refuse(utterance_id="") == "InvalidParameter utterance_id"
        assert refuse(deadline_ms=0) == "InvalidParameter deadline_ms"
        assert refuse(utterance="u") == "UnknownParameter utterance"
