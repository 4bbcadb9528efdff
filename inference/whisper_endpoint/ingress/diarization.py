# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Runs diarization while the engine transcribes, then labels the text with the speakers."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

from whisper_endpoint.ingress.task_group import all_or_none
from whisper_endpoint.messages import Parameters, Samples
from whisper_endpoint.speakers import labels
from whisper_endpoint.speakers.turns import Diarization
from whisper_endpoint.transcript import Transcript

_Transcribing = Coroutine[Any, Any, list[Transcript]]
_Listening = Coroutine[Any, Any, Diarization]


class Diarizer(Protocol):
    """The part of a diarizer that the ingress uses."""

    def diarize(self, samples: Samples, parameters: Parameters, seconds: float) -> _Listening:
        """Return who speaks when, within ``seconds``, or raise an EndpointError."""


async def with_speakers(text: _Transcribing, voices: Iterable[_Listening]) -> list[Transcript]:
    """Transcribe and diarize the channels of a recording concurrently.

    Parameters
    ----------
    text : coroutine
        Transcribes all channels.
    voices : iterable of coroutine
        Each diarizes one channel; in order of the channels.

    Raises
    ------
    EndpointError
        The first error of any of them; the others are cancelled.
    """
    channels: list[Transcript] = []
    found: list[Diarization] = []

    async def transcribe() -> None:
        channels.extend(await text)

    async def listen() -> None:
        found.extend(await all_or_none(voices))

    await all_or_none([transcribe(), listen()])
    # An hour has ten thousand words: do not block live calls.
    return await asyncio.to_thread(labels.label, channels, found)
