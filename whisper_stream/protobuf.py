# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Encode requests and decode answers as ``transcription.proto``, with raw audio."""

from whisper_contract import transcription_pb2 as wire
from whisper_contract.text import apart, pieces
from whisper_stream.audio.buffer import WIRE_RATE
from whisper_stream.errors import InvocationFailed
from whisper_stream.requests import LiveWord, TranscriptionRequest, TranscriptionResponse

CONTENT_TYPE = "application/x-protobuf"


def encode(request: TranscriptionRequest, seconds: float) -> bytes:
    """Encode a TranscribeRequest with a deadline in seconds."""
    parameters = wire.Parameters(beam_size=request.beam_size, word_timestamps=request.want_words)
    parameters.terms.extend(request.terms)
    if request.prompt is not None:
        parameters.initial_prompt = request.prompt
    if request.redaction:
        parameters.redaction = True
    if request.language is not None:
        parameters.language = request.language
    else:
        parameters.languages.extend(request.languages)
    return wire.TranscribeRequest(
        audio=request.audio.astype("<i2", copy=False).tobytes(),
        encoding=wire.AUDIO_ENCODING_PCM16,
        sample_rate=WIRE_RATE,
        channels=1,
        parameters=parameters,
        partial=request.is_partial,
        utterance_id=request.utterance_id,
        call_id=request.call_id,
        channel=request.channel,
        sequence=request.sequence,
        deadline_ms=max(1, round(1000 * seconds)),
    ).SerializeToString()


def decode(answer: wire.TranscribeResponse, request: TranscriptionRequest) -> TranscriptionResponse:
    """Decode a TranscribeResponse; its times become those of the call.

    Words of an unaligned segment get the segment's times and no confidence.

    Raises
    ------
    InvocationFailed
        A required field is missing; even silence has a duration.
    """
    if not answer.duration or (answer.text and not answer.segments):
        raise InvocationFailed("The endpoint's answer is empty or lacks its segments.")
    said = [word for segment in answer.segments for word in _words_of(segment)]
    words = [
        LiveWord(text, request.start + start, request.start + end, confidence, before=before)
        for (before, text), (_, start, end, confidence) in zip(
            apart(word for word, *_ in said), said, strict=True
        )
        if text
    ]
    probability = 1.0 if request.language else answer.language_probability
    return TranscriptionResponse(
        tuple(words), answer.language, probability, answer.superseded, tuple(answer.warnings)
    )


def _words_of(segment: wire.Segment) -> list[tuple[str, float, float, float]]:
    if segment.words:
        return [(row.word, row.start, row.end, row.probability) for row in segment.words]
    return [(piece, segment.start, segment.end, 0.0) for piece in pieces(segment.text)]
