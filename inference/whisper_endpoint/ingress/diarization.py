# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Speakers are told apart while the engine decodes, and meet the text when both are there."""

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
    """What the ingress needs of what tells speakers apart."""

    def diarize(self, samples: Samples, parameters: Parameters, seconds: float) -> _Listening:
        """Return who speaks when, within a number of seconds, or raise an EndpointError."""


async def with_speakers(text: _Transcribing, voices: Iterable[_Listening]) -> list[Transcript]:
    """Have the channels of a recording transcribed and their speakers told apart at once.

    Parameters
    ----------
    text : coroutine
        Transcribes all channels.
    voices : iterable of coroutine
        Each tells the speakers of one channel apart, in order.

    Raises
    ------
    EndpointError
        What any of them refused with; the others are cancelled.
    """
    channels: list[Transcript] = []
    found: list[Diarization] = []

    async def transcribe() -> None:
        channels.extend(await text)

    async def listen() -> None:
        found.extend(await all_or_none(voices))

    await all_or_none([transcribe(), listen()])
    # An hour has ten thousand words, and live calls go on.
    return await asyncio.to_thread(labels.label, channels, found)
