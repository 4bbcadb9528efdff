# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a client hears of its audio, which it sends once."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

import numpy as np
import pytest
from openai import AsyncOpenAI

from tests.unit.endpoint.proxy.realtime.conftest import (
    WORDS,
    CountingIngress,
    EventClient,
    SessionHost,
    refusal,
    speech,
)
from whisper_contract import g711
from whisper_endpoint.errors import EngineUnavailable, UnsupportedLanguage

Start = Callable[..., SessionHost]

_COMPLETED: Final = "conversation.item.input_audio_transcription.completed"
_EMPTY = "input_audio_buffer_commit_empty"
_DELTA: Final = "conversation.item.input_audio_transcription.delta"
_PARTIAL = "conversation.item.input_audio_transcription.partial"
_FAILED = "conversation.item.input_audio_transcription.failed"


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def by_table(samples: "np.typing.NDArray[np.int16]", table: "np.typing.NDArray[np.int16]") -> bytes:
    """Write samples by the nearest code of a G.711 table."""
    order = np.argsort(table)
    nearest = np.searchsorted(table[order], samples).clip(0, 255)
    codes: bytes = order[nearest].astype(np.uint8).tobytes()
    return codes


FORMS = {
    "pcm": ({"type": "audio/pcm", "rate": 24_000}, lambda: speech().tobytes()),
    "ulaw": ({"type": "audio/pcmu"}, lambda: by_table(speech(8_000), g711.MULAW)),
    "alaw": ({"type": "audio/pcma"}, lambda: by_table(speech(8_000), g711.ALAW)),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_openai_package_hears_a_sentence(
    host: Start, ingress: CountingIngress, form: str
) -> None:
    url = host().url
    kind, audio = FORMS[form]
    heard = {
        "format": kind,
        "transcription": {"model": "whisper-1", "language": "en"},
        "turn_detection": {"type": "server_vad"},
    }
    session: Any = {"type": "transcription", "audio": {"input": heard}}

    async def scenario() -> None:
        client = AsyncOpenAI(api_key="none", websocket_base_url=f"{url}/v1")
        async with client.realtime.connect(extra_query={"intent": "transcription"}) as call:
            await call.session.update(session=session)
            data = audio()
            for begin in range(0, len(data), 4_800):
                piece = base64.b64encode(data[begin : begin + 4_800]).decode()
                await call.input_audio_buffer.append(audio=piece)
            kinds, said, transcript = list[str](), "", ""
            while _COMPLETED not in kinds:
                event = await call.recv()
                kinds.append(event.type)
                if event.type == _DELTA:
                    said += event.delta or ""
                elif event.type == _COMPLETED:
                    transcript = event.transcript
            assert transcript == said == " ".join(WORDS[: len(said.split())])
            assert len(said.split()) > 6
            expected = ["session.created", "session.updated", "input_audio_buffer.speech_started"]
            assert kinds[:3] == expected
            assert [one for one in kinds[3:-1] if one != _DELTA] == [
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "conversation.item.added",
                "conversation.item.done",
            ]

    run(scenario())
    (final,) = ingress.finals
    assert (final.parameters.language, final.sample_rate) == ("en", 16_000)
    assert len(ingress.asked) > 1


def test_words_come_when_they_are_stable_and_all_words_where_wanted(host: Start) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            include = ["item.input_audio_transcription.partials"]
            await client.send("session.update", session={"include": include})
            data = speech().tobytes()
            for begin in (0, 62_400):
                await client.append(data[begin : begin + 62_400])
                await client.until(_PARTIAL)
            await client.append(data[124_800:])
            completed = await client.until(_COMPLETED)
            partials = client.of(_PARTIAL)
            assert all(one["transcript"].startswith(one["stable_transcript"]) for one in partials)
            stable = [one["stable_transcript"] for one in partials]
            assert (stable[0], bool(stable[-1])) == ("", True)
            deltas = client.of(_DELTA)
            assert deltas[0]["delta"] == next(filter(None, stable))
            assert len({one["item_id"] for one in deltas}) == 1
            assert "".join(one["delta"] for one in deltas) == completed["transcript"]

    run(scenario())


def test_audio_of_both_sides_goes_over_one_socket(host: Start, ingress: CountingIngress) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client("/invocations-bidirectional-stream") as client:
            effective = await client.configure(
                format={"type": "audio/pcm", "rate": 8_000, "channels": 2}
            )
            assert effective["audio"]["input"]["format"]["channels"] == 2
            one = speech(8_000)
            both = np.stack([one, np.roll(one, 8_000)], axis=1)
            for begin in range(0, len(both), 800):
                # As SageMaker passes on what its caller calls binary.
                await client.socket.send(both[begin : begin + 800].tobytes())
            done = [await client.until(_COMPLETED) for _ in range(2)]
            assert sorted(event["channel"] for event in done) == [0, 1]

    run(scenario())
    assert sorted(one.channel for one in ingress.finals) == [0, 1]


def test_without_detection_the_client_says_where_an_utterance_ends(
    host: Start, ingress: CountingIngress
) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.configure(turn_detection=None)
            data = speech(times=2).tobytes()
            await client.append(data)
            await client.send("input_audio_buffer.clear")
            await client.until("input_audio_buffer.cleared")
            await client.append(data[:96_000])
            await client.send("input_audio_buffer.commit")
            committed = await client.until("input_audio_buffer.committed")
            completed = await client.until(_COMPLETED)
            assert completed["item_id"] == committed["item_id"]
            await client.send("input_audio_buffer.commit", event_id="mine")
            error = (await client.until("error"))["error"]
            assert (error["code"], error["event_id"]) == (_EMPTY, "mine")
            assert client.of("input_audio_buffer.speech_started") == []

    run(scenario())
    (final,) = ingress.finals
    assert len(final.audio) / 32_000 == pytest.approx(2.0, abs=0.05)


def test_what_is_being_said_is_final_when_the_client_commits(host: Start) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.append(speech().tobytes()[:96_000])
            await client.send("input_audio_buffer.commit")
            completed = await client.until(_COMPLETED)
            assert completed["transcript"].split() == WORDS[: len(completed["transcript"].split())]
            assert completed["usage"] == {"type": "duration", "seconds": pytest.approx(2, abs=0.1)}

    run(scenario())


def test_an_utterance_without_words_has_a_final_too(host: Start, ingress: CountingIngress) -> None:
    ingress.is_deaf = True
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.append(speech().tobytes())
            completed = await client.until(_COMPLETED)
            assert (completed["transcript"], completed["languages"]) == ("", [])

    run(scenario())


def test_finals_are_told_in_order_and_once_whichever_is_answered_first(
    host: Start, ingress: CountingIngress
) -> None:
    ingress.delays = [0.0, 0.0, 0.5]
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.append(speech(times=3).tobytes())
            done = [await client.until(_COMPLETED) for _ in range(3)]
            asked = [one["item_id"] for one in client.of("input_audio_buffer.committed")]
            assert [one["item_id"] for one in done] == asked
            assert all(one["transcript"] for one in done)
            await client.send("session.checkpoint.create")
            stood = await client.until("session.checkpoint.created")
            # Nothing of what was told is told again.
            assert stood["checkpoint"]["channels"][0]["pending"] == []

    run(scenario())


def test_a_final_is_asked_for_again_while_the_engine_is_away(
    host: Start, ingress: CountingIngress
) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.configure(turn_detection=None)
            await client.append(speech().tobytes()[:24_000])
            ingress.refusals = [refusal(EngineUnavailable())]
            await client.send("input_audio_buffer.commit")
            await client.until(_COMPLETED)

    run(scenario())
    assert [one.utterance_id for one in ingress.finals] == 2 * [ingress.finals[0].utterance_id]


def test_a_final_that_is_refused_fails_with_the_sentence(
    host: Start, ingress: CountingIngress
) -> None:
    url = host()
    sentence = "The model has no Klingon: use one of its languages."

    async def scenario() -> None:
        async with url.client() as client:
            await client.configure(turn_detection=None)
            await client.append(speech().tobytes()[:24_000])
            ingress.refusals = [refusal(UnsupportedLanguage(sentence))]
            await client.send("input_audio_buffer.commit")
            failed = await client.until(_FAILED)
            assert failed["error"]["message"] == sentence
            # The session goes on.
            await client.append(speech().tobytes()[:24_000])
            await client.send("input_audio_buffer.commit")
            await client.until(_COMPLETED)

    run(scenario())


def test_another_session_goes_on_where_one_stood(host: Start, ingress: CountingIngress) -> None:
    url = host()
    data = speech(times=3)

    async def texts(client: EventClient, count: int) -> list[str]:
        return [(await client.until(_COMPLETED))["item_id"] for _ in range(count)]

    async def scenario() -> None:
        async with url.client() as client:
            await client.append(data[: round(24_000 * 6.2)].tobytes())
            before = await texts(client, 1)
            await client.send("session.checkpoint.create")
            stood = await client.until("session.checkpoint.created")
        async with url.client() as client:
            await client.send("session.update", session={"resume": stood["checkpoint"]})
            await client.until("session.updated")
            await client.append(data[round(24 * stood["audio_start_ms"]) :].tobytes())
            after = await texts(client, 2)
            started = [
                one["audio_start_ms"] for one in client.of("input_audio_buffer.speech_started")
            ]
            assert 3_000 < started[-2] < started[-1] < 9_000
        assert len({*before, *after}) == 3

    run(scenario())
    calls = {one.call_id for one in ingress.asked}
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"type": "session.checkpoint.create"}, "send audio before you ask for a checkpoint"),
        ({"type": "session.update", "session": "pcm16"}, 'session is "pcm16": use an object'),
        (
            {"type": "session.update", "session": {"audio": ["input", "output"]}},
            "session.audio is a list of 2: use an object",
        ),
        (
            {"type": "session.update", "session": {"modalities": {}, "include": {"a": True}}},
            "session.include is an object with 1 field: use a list of at most 200 texts",
        ),
    ],
)
def test_an_event_that_has_no_answer_is_refused(
    host: Start, event: dict[str, Any], sentence: str
) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.socket.send(json.dumps(event))
            refused = await client.until("error")
            assert sentence in refused["error"]["message"]

    run(scenario())


def test_the_earlier_form_of_the_api_is_known(host: Start) -> None:
    url = host()

    async def scenario() -> None:
        headers = {"OpenAI-Beta": "realtime=v1"}
        async with url.client(additional_headers=headers, subprotocols=["realtime"]) as client:
            assert client.socket.subprotocol == "realtime"
            assert client.events[0]["type"] == "transcription_session.created"
            await client.send(
                "transcription_session.update",
                session={
                    "input_audio_format": "g711_ulaw",
                    "input_audio_transcription": {"model": "whisper-1", "prompt": "Ms Nguyen"},
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 400},
                },
            )
            updated = (await client.until("transcription_session.updated"))["session"]
            assert updated["input_audio_format"] == "g711_ulaw"
            assert updated["turn_detection"]["silence_duration_ms"] == 400
            await client.append(by_table(speech(8_000), g711.MULAW))
            await client.until("conversation.item.created")
            await client.until(_COMPLETED)

    run(scenario())


_UPDATE = '{"type": "session.update", "session": %s}'

_INPUT = '{"audio": {"input": %s}}'


def _resuming(pending: list[tuple[int, int]]) -> str:
    """Return a session with a checkpoint whose utterances wait between two samples each."""
    rows = [
        {"result_id": f"u{number}", "start": start, "end": end}
        for number, (start, end) in enumerate(pending)
    ]
    row = {"heard_until": 0, "listen_from": 0, "pending": rows, "kept": [], "evidence": {}}
    checkpoint = {"call_id": "call", "sample_rate": 16_000, "channels": [row]}
    return json.dumps({"resume": checkpoint})


REFUSED: dict[str, tuple[str, str]] = {
    "not JSON": ("{", "MalformedBody"),
    "no type": ('{"a": 1}', "MalformedBody"),
    "unknown event": ('{"type": "response.create"}', "InvalidParameter"),
    "no base64": ('{"type": "input_audio_buffer.append", "audio": "?"}', "InvalidParameter"),
    "half a sample": ('{"type": "input_audio_buffer.append", "audio": "AA=="}', "InvalidParameter"),
    "no session": ('{"type": "session.update"}', "InvalidParameter"),
    "a session that is null": (_UPDATE % "null", "InvalidParameter"),
    "conversation": (
        '{"type": "session.update", "session": {"type": "realtime"}}',
        "InvalidParameter",
    ),
    "detector": (_UPDATE % '{"turn_detection": {"type": "by_ear"}}', "InvalidParameter"),
    "unknown field": ('{"type": "session.update", "session": {"colour": 1}}', "UnknownParameter"),
    "rate": (
        '{"type": "session.update", "session": {"audio": {"input": {"format": {"rate": 44100}}}}}',
        "InvalidParameter",
    ),
    "language": (
        '{"type": "session.update", "session": {"input_audio_transcription": {"language": "tlh"}}}',
        "InvalidParameter",
    ),
    "checkpoint": (
        '{"type": "session.update", "session": {"resume": {"channels": [{}]}}}',
        "InvalidParameter",
    ),
    "a format that is a list": (_UPDATE % _INPUT % '{"format": {"type": []}}', "InvalidParameter"),
    "a channel and a half": (
        _UPDATE % _INPUT % '{"format": {"channels": 1.5}}',
        "InvalidParameter",
    ),
    "channels as true": (_UPDATE % _INPUT % '{"format": {"channels": true}}', "InvalidParameter"),
    "channels as 1.0": (_UPDATE % _INPUT % '{"format": {"channels": 1.0}}', "InvalidParameter"),
    "languages as one": (
        _UPDATE % _INPUT % '{"transcription": {"language": ["en"]}}',
        "InvalidParameter",
    ),
    "a checkpoint's many utterances": (_UPDATE % _resuming([(0, 9)] * 501), "InvalidParameter"),
    "a checkpoint's hours": (_UPDATE % _resuming([(0, 10**12)]), "InvalidParameter"),
    "nothing said": ('{"type": "input_audio_buffer.commit"}', _EMPTY),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_and_the_session_goes_on(host: Start, case: str) -> None:
    url = host()
    message, code = REFUSED[case]

    async def scenario() -> None:
        async with url.client() as client:
            await client.socket.send(message)
            error = (await client.until("error"))["error"]
            assert (error["code"], error["type"]) == (code, "invalid_request_error")
            assert error["message"].endswith(".")
            assert not {"None", "True", "False"} & {*error["message"].replace(":", "").split()}
            await client.append(speech().tobytes())
            await client.until(_COMPLETED)

    run(scenario())


def test_a_session_with_audio_keeps_its_form(host: Start) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.append(bytes(480))
            session = {"input_audio_format": "g711_ulaw"}
            await client.send("session.update", session=session)
            assert (await client.until("error"))["error"]["code"] == "WrongState"
            await client.send("session.update", session={"input_audio_format": "pcm16"})
            await client.until("session.updated")

    run(scenario())


def test_a_session_that_goes_on_keeps_its_format(host: Start) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.socket.send(_UPDATE % _resuming([]))
            await client.until("session.updated")
            await client.send("session.update", session={"input_audio_format": "g711_ulaw"})
            assert (await client.until("error"))["error"]["code"] == "WrongState"
            await client.append(speech().tobytes())
            await client.until(_COMPLETED)

    run(scenario())
