# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What others' clients send, as it stands: each of their messages, in their order."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from tests.unit.endpoint.proxy.realtime.conftest import (
    CountingIngress,
    EventClient,
    SessionHost,
    speech,
)

Start = Callable[..., SessionHost]

_COMPLETED = "conversation.item.input_audio_transcription.completed"
_STARTED = "input_audio_buffer.speech_started"
_COMMIT = "input_audio_buffer.commit"


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def pipecat(**heard: object) -> dict[str, Any]:
    """Return what pipecat-ai 1.14.0's OpenAIRealtimeSTTService makes of its settings."""
    transcription = {"model": "gpt-realtime-whisper", "language": "en"}
    format_ = {"type": "audio/pcm", "rate": 24_000}
    return {
        "type": "transcription",
        "audio": {"input": {"format": format_, "transcription": transcription, **heard}},
    }


def livekit(model: str, **heard: object) -> dict[str, Any]:
    """Return what livekit-plugins-openai 1.8.9 makes of its options."""
    format_ = {"rate": 24_000, "type": "audio/pcm"}
    detection = {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 600,
        "silence_duration_ms": 350,
    }
    heard = {"turn_detection": detection} | heard
    transcription = {"model": model, "language": "en"}
    return {
        "type": "transcription",
        "audio": {"input": {"format": format_, "transcription": transcription} | heard},
    }


# Of pipecat-ai 1.14.0's NvidiaSageMakerSTTService.
NVIDIA = {
    "input_audio_format": "pcm16",
    "input_audio_params": {"sample_rate_hz": 16_000, "num_channels": 1},
    "input_audio_transcription": {
        "language": "en-US",
        "model": "cache-aware-parakeet-rnnt-en-US-asr-streaming-sortformer",
    },
    "recognition_config": {"enable_automatic_punctuation": True},
}

# Of nvidia-riva-client 2.28.0's RealtimeClientASR: what the server said first, and its own.
RIVA = {
    "id": "sess_1",
    "object": "realtime.transcription_session",
    "modalities": ["text"],
    "input_audio_format": "none",
    "input_audio_transcription": {"language": "en-US", "model": "conformer", "prompt": ""},
    "input_audio_params": {"sample_rate_hz": 16_000, "num_channels": 1},
    "recognition_config": {"max_alternatives": 1, "enable_word_time_offsets": False},
    "speaker_diarization": {"enable_speaker_diarization": False, "max_speaker_count": 8},
    "word_boosting": {
        "enable_word_boosting": True,
        "word_boosting_list": [{"phrases": ["Nguyen", "Ana"], "boost": 20.0}],
    },
    "endpointing_config": {"stop_history": 800},
    "client_secret": None,
}


def test_a_session_is_configured_while_its_audio_already_comes(
    host: Start, ingress: CountingIngress
) -> None:
    """Pipecat's, whose first frames come before the answer to session.created."""
    url = host()

    async def scenario() -> None:
        async with url.client("/v1/realtime?intent=transcription") as client:
            data = speech().tobytes()
            await client.append(data[:9_600])
            await client.send("session.update", session=pipecat(turn_detection=None))
            effective = (await client.until("session.updated"))["session"]["audio"]["input"]
            assert effective["turn_detection"] is None
            assert effective["transcription"]["language"] == "en"
            await client.append(data[9_600:])
            await client.send(_COMMIT)
            committed = await client.until("input_audio_buffer.committed")
            done = await client.until(_COMPLETED)
            assert (done["item_id"], bool(done["transcript"])) == (committed["item_id"], True)
            assert client.of(_STARTED) == []

    run(scenario())
    (final,) = ingress.finals
    assert final.parameters.language == "en"
    assert len(final.audio) / 32_000 == pytest.approx(4.0, abs=0.3)


def test_language_words_and_patience_change_between_two_utterances(
    host: Start, ingress: CountingIngress
) -> None:
    """LiveKit's update_options, which open streams apply in place."""
    url = host()

    async def scenario() -> None:
        async with url.client("/v1/realtime?intent=transcription&model=gpt-transcribe") as client:
            await client.send("session.update", session=livekit("gpt-transcribe"))
            await client.append(speech().tobytes())
            await client.until(_COMPLETED)
            words = {"model": "gpt-transcribe", "keywords": ["Ana"], "languages": ["es", "en"]}
            changed = livekit("gpt-transcribe", transcription=words)
            await client.send("session.update", session=changed)
            effective = (await client.until("session.updated"))["session"]["audio"]["input"]
            assert effective["turn_detection"]["silence_duration_ms"] == 350
            assert client.of("error") == []
            await client.append(speech().tobytes())
            await client.until(_COMPLETED)

    run(scenario())
    before, after = ingress.finals
    assert (before.parameters.language, list(before.parameters.terms)) == ("en", [])
    assert (after.parameters.language, list(after.parameters.terms)) == ("", ["Ana"])
    assert list(after.parameters.languages) == ["es", "en"]


def test_openai_agents_ends_its_audio_whether_there_was_any_or_not(host: Start) -> None:
    url = host()

    async def scenario() -> None:
        for audio in (speech(), None):
            async with url.client() as client:
                detector = {"type": "semantic_vad", "eagerness": "auto"}
                effective = await client.configure(turn_detection=detector)
                assert effective["audio"]["input"]["turn_detection"]["type"] == "server_vad"
                if audio is not None:
                    await client.append(audio.tobytes())
                await client.send(_COMMIT, event_id="last")
                await client.send("input_audio_buffer.clear")
                await client.until("input_audio_buffer.cleared")
                refused = [
                    (one["error"]["code"], one["error"]["event_id"]) for one in client.of("error")
                ]
                empty = ("input_audio_buffer_commit_empty", "last")
                assert refused == ([] if audio is not None else [empty])
                if audio is not None:
                    await client.until(_COMPLETED)

    run(scenario())


def test_what_an_update_leaves_out_stays(host: Start) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.configure(transcription={"language": "es", "keywords": ["Ana"]})
            effective = await client.configure(transcription={"prompt": "Hola."})
            shown = effective["audio"]["input"]["transcription"]
            assert (shown["language"], shown["keywords"]) == ("es", ["Ana"])
            effective = await client.configure(transcription={"language": None})
            shown = effective["audio"]["input"]["transcription"]
            assert (shown["language"], shown["prompt"]) == (None, "Hola.")

    run(scenario())


def test_a_commit_after_the_detectors_makes_an_item_without_words(
    host: Start, ingress: CountingIngress
) -> None:
    """LiveKit's with a detector of its own, for a model that has none at OpenAI."""
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.append(speech().tobytes())
            await client.until(_COMPLETED)
            ingress.is_deaf = True
            await client.send(_COMMIT)
            empty = await client.until(_COMPLETED)
            assert empty["transcript"] == ""
            assert len(client.of(_STARTED)) == 1
            await client.send(_COMMIT)
            code = "input_audio_buffer_commit_empty"  # which clients of OpenAI expect
            assert (await client.until("error"))["error"]["code"] == code

    run(scenario())
    assert len(ingress.finals[-1].audio) / 32_000 < 1


@pytest.mark.parametrize("session", [NVIDIA, RIVA], ids=["pipecat", "riva"])
def test_riva_s_clients_commit_every_piece_and_the_detector_ends_utterances(
    host: Start, ingress: CountingIngress, session: dict[str, Any]
) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client("/invocations-bidirectional-stream") as client:
            await client.send("transcription_session.update", session=session)
            effective = (await client.until("transcription_session.updated"))["session"]
            assert effective["input_audio_params"] == NVIDIA["input_audio_params"]
            await _in_committed_pieces(client, speech(16_000, times=2).tobytes())
            first, second = [await client.until(_COMPLETED) for _ in range(2)]
            assert first["transcript"] and second["transcript"]
            assert client.of("error") == []
            await client.send("input_audio_buffer.done")
            last = await client.until(_COMPLETED)
            assert [one["is_last_result"] for one in (first, second, last)] == [False, False, True]
            await client.send("session.end")
            with pytest.raises(Exception, match="1000"):
                await client.next()

    run(scenario())
    first = ingress.finals[0]
    assert (first.parameters.language, first.sample_rate) == ("en", 16_000)
    assert list(first.parameters.terms) == (["Nguyen", "Ana"] if session is RIVA else [])


async def _in_committed_pieces(client: EventClient, data: bytes) -> None:
    for begin in range(0, len(data), 640):
        piece = base64.b64encode(data[begin : begin + 640]).decode()
        await client.send("input_audio_buffer.append", audio=piece)
        await client.send(_COMMIT)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"speaker_diarization": {"enable_speaker_diarization": True}}, "speaker_diarization"),
        ({"input_audio_format": "opus"}, "input_audio_format"),
        ({"input_audio_params": {"sample_rate_hz": 11_025}}, "rate"),
        ({"input_audio_params": []}, "input_audio_params"),
        ({"word_boosting": {"enable_word_boosting": True, "word_boosting_list": 1}}, "boosting"),
        ({"word_boosting": {"enable_word_boosting": "yes"}}, "enable_word_boosting"),
    ],
)
def test_what_riva_s_sessions_ask_beyond_that_is_refused(
    host: Start, changed: dict[str, Any], field: str
) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.send("transcription_session.update", session=RIVA | changed)
            error = (await client.until("error"))["error"]
            assert field in error["param"]
            assert error["message"].endswith(".")

    run(scenario())


@pytest.mark.parametrize("kind", ["session", "transcription_session"])
def test_a_session_object_can_be_sent_back_as_it_was_told(host: Start, kind: str) -> None:
    url = host()
    headers = {"OpenAI-Beta": "realtime=v1"} if kind == "transcription_session" else {}

    async def scenario() -> None:
        async with url.client(additional_headers=headers) as client:
            told = client.events[0]["session"]
            await client.send(f"{kind}.update", session=json.loads(json.dumps(told)))
            assert (await client.until(f"{kind}.updated"))["session"] == told

    run(scenario())


def test_null_is_as_left_out_but_for_what_null_switches_off(host: Start) -> None:
    url = host()
    heard = dict.fromkeys(("format", "transcription", "turn_detection", "noise_reduction"))
    session = {"type": "transcription", "include": None, "audio": {"input": heard, "output": None}}

    async def scenario() -> None:
        async with url.client() as client:
            await client.send("session.update", session=session)
            effective = (await client.until("session.updated"))["session"]["audio"]["input"]
            assert effective["turn_detection"] is None
            assert effective["format"] == {"type": "audio/pcm", "rate": 24_000}
            await client.send("session.update", session={"audio": None})
            await client.until("session.updated")

    run(scenario())


def test_an_event_may_come_as_a_binary_message_and_an_empty_one_is_no_audio(
    host: Start, ingress: CountingIngress
) -> None:
    """A caller of SageMaker says of each message whether it is text or binary."""
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            for rate in (16_000, 8_000):
                await client.socket.send(b"")
                await client.send("input_audio_buffer.append", audio="")
                form = {"format": {"type": "audio/pcm", "rate": rate}}
                session = {"type": "transcription", "audio": {"input": form}}
                event = {"type": "session.update", "session": session}
                await client.socket.send(json.dumps(event).encode())
                updated = await client.until("session.updated")
                assert updated["session"]["audio"]["input"]["format"]["rate"] == rate
            samples = np.frombuffer(b'{"' * 400, np.int16)
            await client.socket.send(np.concatenate([samples, speech(8_000)]).tobytes())
            await client.socket.send(b'{"type": "input_audio_buffer.commit"}')
            assert "word0" in (await client.until(_COMPLETED))["transcript"]
            assert client.of("error") == []

    run(scenario())
    assert ingress.finals
