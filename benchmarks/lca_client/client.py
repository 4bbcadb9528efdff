# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests as made by Live Call Analytics' Call Transcriber, and its parsing of answers.

LCA's behaviour is taken from LCA v0.9.7: its Chime SDK Voice Connector client (8 kHz lines, every
sample sent twice) and its WebSocket client (16 kHz).
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.lca_client.clock import AudioClock, CallClock
from benchmarks.lca_client.segmenter import ChannelSegmenter
from live_whisper.audio.call_file import Call
from live_whisper.errors import InvocationFailed
from whisper_stream.audio.samples import CHANNELS, Samples, wav_bytes

WIRE_SAMPLE_RATE = 16_000
PARTIAL_INTERVAL_S = 1.0
CHUNK_MS = 100
NO_SPEECH_THRESHOLD = 0.2
NO_TEXT_CAPTION = "Error with transcription"
CONTENT_TYPE = "application/json"

# JavaScript writes 0.0 as 0; the order of keys is LCA's, too.
PARAMETERS: dict[str, str | int | float] = {
    "language": "en",
    "task": "transcribe",
    "temperature": 0,
    "no_speech_threshold": NO_SPEECH_THRESHOLD,
    "beam_size": 5,
}


@dataclass(frozen=True)
class UtteranceResult:
    """The result of a request; `start`, `end` and `until` in seconds from the start of the call.

    They span the first to the last voiced frame so far; `until` is the audio received. `text` is
    empty for silence and for failed requests; `is_partial` also if LCA repeats the request for lack
    of text; `error` is a sentence where LCA would only log.
    """

    channel: int
    start: float
    end: float
    text: str
    is_partial: bool
    latency_s: float
    bytes_sent: int
    error: str | None = None
    until: float = 0.0


def wav_file(samples: Samples, sample_rate: int) -> bytes:
    """Wrap an utterance, int16 at 8 or 16 kHz, in LCA's 44-byte WAV header.

    At 8 kHz each sample is repeated (not resampled), as LCA does.
    """
    return wav_bytes(np.repeat(samples, WIRE_SAMPLE_RATE // sample_rate), WIRE_SAMPLE_RATE)


def request_body(wav: bytes, language: str = "en") -> bytes:
    """Return the JSON body: the WAV file as an array of bytes, and LCA's five parameters.

    LCA always says English; `language` overrides that.
    """
    body = {"audio_input": list(wav), "parameters": {**PARAMETERS, "language": language}}
    return json.dumps(body, separators=(",", ":")).encode()


def read_answer(body: bytes) -> tuple[str, str | None]:
    """Parse text and error as LCA does; raises InvocationFailed unless it is a JSON object."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise InvocationFailed(
            "The endpoint's answer is not a JSON object; check its name, or update it."
        )
    if answer.get("error"):
        return "", str(answer["error"])
    silence = answer.get("no_speech_prob")
    if isinstance(silence, int | float) and silence > NO_SPEECH_THRESHOLD:
        return "", None
    return _text(answer), None


def _text(answer: dict[str, Any]) -> str:
    text = answer.get("text")
    if isinstance(text, list):
        return " ".join(str(part) for part in text).strip()
    return text.strip() if isinstance(text, str) else NO_TEXT_CAPTION


class LcaClient:
    """Plays a call to an endpoint as LCA does: one request at a time for both channels.

    `invoke` takes a request body and returns the response body; it raises `InvocationFailed` for
    a failed request and `EndpointUnusable` to end the call. `heard` receives the seconds of the
    call sent so far.
    """

    def __init__(
        self,
        invoke: Callable[[bytes], bytes],
        *,
        clock: CallClock | None = None,
        language: str = "en",
        partials: bool = True,
        heard: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._invoke = invoke
        self._clock = clock or AudioClock()
        self._language = language
        self._partials = partials
        self._heard = heard
        self._last_partial = 0.0
        self._arrived = 0

    def transcribe(self, call: Call) -> Iterator[UtteranceResult]:
        """Send a call; yield the result of each request.

        LCA drops an open utterance when the line is cut. Here silence is appended until both
        speakers have finished, so that nothing of a recording is lost.

        Yields partials and finals of both channels in request order. Raises EndpointUnusable from
        `invoke`.
        """
        channels = [ChannelSegmenter() for _ in range(CHANNELS)]
        self._last_partial = self._clock.now()
        self._arrived = 0
        for chunk in _then_silence(call, channels):
            self._arrived += len(chunk)
            self._clock.wait_until(self._arrived / call.sample_rate)
            for channel, segmenter in enumerate(channels):
                yield from self._partial_if_due(channel, segmenter, call)
                for _ in segmenter.feed(chunk[:, channel]):
                    result = self._send(channel, segmenter, call, is_partial=False)
                    segmenter.answered = bool(result.text)
                    yield result
            self._heard(min(self._arrived / call.sample_rate, call.seconds))

    def _partial_if_due(
        self, channel: int, segmenter: ChannelSegmenter, call: Call
    ) -> Iterator[UtteranceResult]:
        now = self._clock.now()
        due = now - self._last_partial >= PARTIAL_INTERVAL_S
        if self._partials and due and segmenter.pending:
            yield self._send(channel, segmenter, call, is_partial=True)
            self._last_partial = now  # one timer for both channels

    def _send(
        self, channel: int, segmenter: ChannelSegmenter, call: Call, *, is_partial: bool
    ) -> UtteranceResult:
        body = request_body(wav_file(segmenter.utterance, call.sample_rate), self._language)
        began = time.perf_counter()
        try:
            text, error = read_answer(self._invoke(body))
        except InvocationFailed as failure:
            text, error = "", str(failure)
        return UtteranceResult(
            channel=channel,
            start=segmenter.start / call.sample_rate,
            end=min(segmenter.voiced_until / call.sample_rate, call.seconds),
            text=text,
            is_partial=is_partial,
            latency_s=time.perf_counter() - began,
            bytes_sent=len(body),
            until=self._arrived / call.sample_rate,
            error=error,
        )


def _then_silence(call: Call, channels: list[ChannelSegmenter]) -> Iterator[Samples]:
    yield from call.chunks(CHUNK_MS)
    silence = np.zeros((call.sample_rate * CHUNK_MS // 1000, CHANNELS), np.int16)
    while any(channel.speaking for channel in channels):
        yield silence
