# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Concurrent requests with the same audio: their total memory is bounded."""

import asyncio
import functools
from typing import Any

from tests.unit.endpoint.http_requests import http_request
from whisper_endpoint.ingress.handler import HttpResponse, RequestHandler
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

REQUESTS = 8
"""Number of concurrent requests."""

# Selected by an input's first byte. Only a second is transcribed, to avoid computing features of
# hours; everything is decoded.
_ATTRIBUTES = tuple(
    f"vad_filter=false;clip_timestamps=0,1;channel_identification={by_channel}{more}"
    for by_channel in ("false", "true")
    for more in ("", ";partial=true", ";audio_track=1", ";call_id=c")
)
_SETTINGS = EndpointSettings(deadline_s=600)
_FACTS = ModelInfo(80, ("en",), multilingual=False)
# How long a recording is held while others are decoded, in seconds.
_HOLDING_S = 0.5
_LONG_S = 10.0


class _Holder:
    """An engine that is slow with long recordings."""

    async def transcribe(self, recording: Any, *_: Any) -> Transcript:
        if recording.duration > _LONG_S:
            await asyncio.sleep(_HOLDING_S)
        return Transcript("en", ())


def answers(data: bytes) -> list[HttpResponse]:
    """Send the audio in `data` in several concurrent requests."""

    async def ask() -> list[HttpResponse]:
        attributes = _ATTRIBUTES[data[0] % len(_ATTRIBUTES)]
        requests = [
            http_request(data[1:], content_type="audio/wav", attributes=attributes)
            for _ in range(REQUESTS)
        ]
        return list(await asyncio.gather(*map(_handler().answer, requests)))

    return asyncio.run(ask())


@functools.cache
def _handler() -> RequestHandler:
    return RequestHandler(_SETTINGS, _FACTS, _Holder())
