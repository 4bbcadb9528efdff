# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Runs diarization while the engine transcribes, then labels the text with the speakers."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.audio.vad import find_speech
from whisper_endpoint.errors import (
    AudioNotDecodable,
    AudioTooLong,
    InvalidParameter,
    TooManyChannels,
    UnsupportedSampleRate,
)
from whisper_endpoint.ingress.task_group import all_or_none
from whisper_endpoint.messages import SAMPLE_RATE, Parameters, Samples, VadParameters
from whisper_endpoint.speakers import labels
from whisper_endpoint.speakers.turns import Diarization
from whisper_endpoint.transcript import Transcript

# OpenAI's limits; codecs add up to 0.15 s of padding.
_SHORTEST_S, _LONGEST_S, _PADDING_S = 2.0, 10.0, 0.15
_LEAST_SPEECH_S = 1.0
_SPEECH = VadParameters(speech_pad_ms=0, min_silence_duration_ms=300)

_Transcribing = Coroutine[Any, Any, list[Transcript]]
_Listening = Coroutine[Any, Any, Diarization]


class Diarizer(Protocol):
    """The part of a diarizer that the ingress uses."""

    def diarize(
        self,
        samples: Samples,
        parameters: Parameters,
        seconds: float,
        known: Sequence[Samples] = (),
    ) -> _Listening:
        """Return who speaks when, compared with known voices; may raise an EndpointError."""


async def with_speakers(
    text: _Transcribing, voices: Iterable[_Listening], names: Sequence[str] = ()
) -> list[Transcript]:
    """Transcribe and diarize the channels of a recording concurrently.

    Parameters
    ----------
    text : coroutine
        Transcribes all channels.
    voices : iterable of coroutine
        Each diarizes one channel; in order of the channels.
    names : sequence of str
        Of the known voices.

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
    return await asyncio.to_thread(labels.label, channels, found, names)


def known_voice(reference: InlineAudio, limits: Limits, field: str) -> NDArray[np.float32]:
    """Decode a recording of a known voice.

    Returns
    -------
    ndarray, shape (n,), float32, 16 kHz mono

    Raises
    ------
    InvalidParameter
        400: it cannot be decoded, has the wrong length, or hardly any speech.
    """

    def refused(why: str) -> InvalidParameter:
        return InvalidParameter(
            f"{field.removeprefix('parameters.')} {why}: send {_SHORTEST_S:g} to {_LONGEST_S:g} "
            "seconds of one person's speech as an audio file.",
            field=field,
        )

    limits = replace(limits, seconds=_LONGEST_S + _PADDING_S, believed_seconds=None)
    try:
        samples = decode(reference.data, limits, reference.raw).samples
    except AudioTooLong:
        raise refused(f"is longer than {_LONGEST_S:g} seconds") from None
    except (AudioNotDecodable, TooManyChannels, UnsupportedSampleRate):
        raise refused("cannot be decoded") from None
    if len(samples) < _SHORTEST_S * SAMPLE_RATE:
        raise refused(f"is {len(samples) / SAMPLE_RATE:.2f} seconds long")
    speech = sum(span.end - span.start for span in find_speech(samples, how=_SPEECH))
    if speech < _LEAST_SPEECH_S * SAMPLE_RATE:
        raise refused(f"has less than {_LEAST_SPEECH_S:g} second of speech")
    return samples
