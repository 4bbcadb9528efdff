# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Transcripts of two-channel calls by an endpoint and by `WhisperModel.transcribe`."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray


class HeardWord(NamedTuple):
    """A word of an answer; times in seconds from the start of the recording."""

    start: float
    end: float
    word: str


@dataclass(frozen=True)
class HeardSegment:
    """A segment of an answer; `words` is empty if not requested."""

    channel: int
    start: float
    end: float
    text: str
    words: tuple[HeardWord, ...]


@dataclass(frozen=True)
class HeardCall:
    """An answer: ordered segments of all channels, text and language."""

    segments: tuple[HeardSegment, ...]
    text: str
    language: str

    def channel(self, number: int) -> list[HeardSegment]:
        """Return one channel's segments."""
        return [one for one in self.segments if one.channel == number]

    def turns(self) -> list[tuple[int, HeardSegment]]:
        """Return (channel, segment) pairs for `scoring.turns_out_of_order`."""
        return [(one.channel, one) for one in self.segments]


def request_body(wav: bytes, **parameters: Any) -> bytes:
    """Return a JSON request for segments per channel; None values are omitted."""
    asked = {"channel_identification": True, "response_format": "verbose_json", **parameters}
    given = {name: value for name, value in asked.items() if value is not None}
    document = {"audio_data": base64.b64encode(wav).decode(), "parameters": given}
    return json.dumps(document).encode()


def read_heard(body: bytes) -> HeardCall:
    """Parse the answer to such a request."""
    answer = json.loads(body)
    return HeardCall(
        tuple(
            HeardSegment(
                row.get("channel") or 0,
                row["start"],
                row["end"],
                row["text"],
                tuple(HeardWord(w["start"], w["end"], w["word"]) for w in row.get("words") or ()),
            )
            for row in answer["segments"]
        ),
        answer["text"],
        answer["language"],
    )


class FasterWhisper:
    """`WhisperModel.transcribe` with its defaults and its own voice detection."""

    def __init__(self, weights: Path, *, threads: int, compute_type: str = "int8") -> None:
        self._model = WhisperModel(
            str(weights), device="cpu", compute_type=compute_type, cpu_threads=threads
        )

    def transcribe(
        self, channels: list[NDArray[np.float32]], language: str | None = None, **parameters: Any
    ) -> HeardCall:
        """Transcribe each channel, 16 kHz in [-1, 1]; `parameters` are faster-whisper's."""
        found, languages = [], []
        for number, samples in enumerate(channels):
            segments, info = self._model.transcribe(
                samples, language=language, vad_filter=True, **parameters
            )
            languages.append(info.language)
            found += [
                HeardSegment(
                    number,
                    one.start,
                    one.end,
                    one.text,
                    tuple(HeardWord(w.start, w.end, w.word) for w in one.words or ()),
                )
                for one in segments
            ]
        found.sort(key=lambda one: one.start)
        text = "".join(one.text for one in found).strip()
        return HeardCall(tuple(found), text, languages[0])
