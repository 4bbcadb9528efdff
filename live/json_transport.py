# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests and answers as JSON, with the audio in base64: for an endpoint without protobuf."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import TYPE_CHECKING, Any

from live.audio_buffer import WIRE_RATE
from live.errors import InvocationFailed
from live.lca import CONTENT_TYPE
from live.transport import Heard, Word

if TYPE_CHECKING:
    from live.endpoint import SageMakerEndpoint
    from live.frames import Samples
    from live.transport import Ask


class JsonTransport:
    """Speaks ``contract/request.schema.json``.

    Parameters
    ----------
    endpoint : SageMakerEndpoint
    """

    def __init__(self, endpoint: SageMakerEndpoint) -> None:
        self._endpoint = endpoint

    def transcribe(self, ask: Ask, seconds: float) -> Heard:
        """Send one state of an utterance; see `live.transport.Transport`."""
        body = json.dumps(
            {
                "audio_data": base64.b64encode(_wav(ask.audio)).decode(),
                "partial": ask.is_partial,
                "utterance_id": ask.utterance_id,
                "call_id": ask.call_id,
                "channel": ask.channel,
                "sequence": ask.sequence,
                "deadline_ms": max(1, round(1000 * seconds)),
                "parameters": {
                    "language": ask.language,
                    "beam_size": ask.beam_size,
                    "word_timestamps": ask.want_words,
                },
            }
        ).encode()
        answer = self._endpoint.invoke(body, CONTENT_TYPE)
        try:
            return _heard(json.loads(answer), ask)
        except (ValueError, KeyError, TypeError):
            raise InvocationFailed("The endpoint's answer is not of the contract.") from None


def _heard(answer: dict[str, Any], ask: Ask) -> Heard:
    words: list[Word] = []
    for segment in answer["segments"]:
        if "words" in segment:
            words += [
                Word(
                    row["word"].strip(),
                    ask.start + row["start"],
                    ask.start + row["end"],
                    row["probability"],
                )
                for row in segment["words"]
            ]
        else:
            words += [
                Word(text, ask.start + segment["start"], ask.start + segment["end"], 0.0)
                for text in segment["text"].split()
            ]
    return Heard(tuple(words), answer["language"], is_superseded=bool(answer.get("superseded")))


def _wav(samples: Samples) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, WIRE_RATE, 0, "NONE", ""))
        writer.writeframes(samples.astype("<i2", copy=False).tobytes())
    return file.getvalue()
