# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A live call over a WebSocket: audio from the page in, events out."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from live_whisper.call import CallTranscriber
from live_whisper.console.options import TranscriptionOptions
from live_whisper.errors import LiveError, StreamError
from live_whisper.sinks.amazon_transcribe import transcript_event
from live_whisper.transport.transport import Transport
from whisper_stream.audio.samples import CHANNELS
from whisper_stream.events import AudioMissing, CallEnded, Event, TranscriptResult, UtteranceLost


async def transcribe(
    socket: WebSocket, transport: Transport, keep: Callable[[str, list[TranscriptResult]], str]
) -> None:
    """Receive 16-bit samples at 16 kHz in real time, and send each event to the page.

    Parameters
    ----------
    socket : WebSocket
        Already accepted. Its query gives the number of interleaved channels, 1 or 2, and options.
    keep : callable
        Takes the call's id and the list that collects its finals; returns their key.
    """
    try:
        settings = TranscriptionOptions.from_query(socket.query_params).live()
        channels = _channels(socket.query_params.get("channels", "1"))
    except StreamError as refusal:
        await _fail(socket, refusal)
        await socket.close()
        return
    told: asyncio.Queue[Event] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    call = CallTranscriber(
        transport,
        settings,
        on_event=lambda event: loop.call_soon_threadsafe(told.put_nowait, event),
    )
    finals: list[TranscriptResult] = []
    await socket.send_json({"type": "started", "session": keep(call.call_id, finals)})
    listening = asyncio.create_task(_listen(socket, call, channels))
    try:
        await _tell(socket, told, finals)
        failure = listening.done() and listening.result()
        if failure:
            await _fail(socket, failure)
        await socket.close()
    except (WebSocketDisconnect, RuntimeError):
        pass  # the page was closed: the call ends below
    finally:
        listening.cancel()
        await asyncio.to_thread(call.close)


async def _listen(socket: WebSocket, call: CallTranscriber, channels: int) -> LiveError | None:
    """Feed frames until the page says stop; return the error that ended it, if any."""
    failure = None
    try:
        while (frame := (await socket.receive()).get("bytes")) is not None:
            if channels == CHANNELS:
                call.feed(frame)
            else:
                call.feed_channel(0, frame)
    except LiveError as refusal:
        failure = refusal
    except RuntimeError:
        pass  # the page was already closed
    call.finish()
    return failure


async def _tell(
    socket: WebSocket, told: asyncio.Queue[Event], finals: list[TranscriptResult]
) -> None:
    while True:
        event = await told.get()
        if isinstance(event, TranscriptResult) and not event.is_partial:
            finals.append(event)
        await socket.send_json(_message(event))
        if isinstance(event, CallEnded):
            return


async def _fail(socket: WebSocket, failure: LiveError) -> None:
    await socket.send_json({"type": "failed", "error": str(failure)})


def _channels(text: str) -> int:
    if text not in ("1", "2"):
        raise StreamError(f"A live call has 1 or 2 channels, not {text!r}; send one or two.")
    return int(text)


def _message(event: Event) -> dict[str, Any]:
    if isinstance(event, TranscriptResult):
        return {
            "type": "result",
            "until": event.until,
            "latency_s": event.latency_s,
            "warnings": event.warnings,
            **transcript_event(event),
        }
    if isinstance(event, UtteranceLost):
        return {"type": "lost", **asdict(event)}
    if isinstance(event, AudioMissing):
        return {"type": "missing", **asdict(event)}
    return {"type": "ended", "counts": asdict(event.counts)}
