# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A transcript or a refusal becomes a response body."""

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from whisper_endpoint.errors import EndpointError
    from whisper_endpoint.transcript import Segment, Transcript, Word


def transcript_body(transcript: "Transcript") -> bytes:
    """Return the JSON of ``contract/response.schema.json``.

    A ``no_speech_prob`` beside ``text`` would make Live Call Analytics drop the text.
    """
    content: dict[str, object] = {
        "text": transcript.text,
        "language": transcript.language,
        "segments": [_segment(segment) for segment in transcript.segments],
    }
    if transcript.is_superseded:
        content["superseded"] = True
    body: bytes = orjson.dumps(content)
    return body


def error_body(error: "EndpointError", request_id: str) -> bytes:
    """Return the JSON of ``contract/error.schema.json``."""
    body: bytes = orjson.dumps(
        {
            "error": error.message,
            "code": error.code,
            "field": error.field,
            "request_id": request_id,
        }
    )
    return body


def _segment(segment: "Segment") -> dict[str, object]:
    body: dict[str, object] = {
        "id": segment.id,
        "seek": segment.seek,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": segment.tokens,
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
    }
    if segment.words is not None:
        body["words"] = [_word(word) for word in segment.words]
    return body


def _word(word: "Word") -> dict[str, object]:
    return {
        "word": word.word,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "probability": word.probability,
    }
