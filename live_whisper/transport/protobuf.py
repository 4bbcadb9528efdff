# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests and answers as ``transcription.proto``: raw audio, and no text around it."""

from google.protobuf.message import DecodeError

from live_whisper.audio.buffer import WIRE_RATE
from live_whisper.errors import EndpointUnusable, InvocationFailed
from live_whisper.transport.requests import LiveWord, TranscriptionRequest, TranscriptionResponse
from live_whisper.transport.sagemaker import SageMakerEndpoint
from whisper_contract import transcription_pb2 as wire
from whisper_contract.text import apart, pieces

CONTENT_TYPE = "application/x-protobuf"
_SHARE_OF_AN_ATTEMPT = 0.5
"""What one attempt at a final may have of the time that is left: there is time for another."""


class ProtobufTransport:
    """Speaks protobuf with one endpoint.

    Parameters
    ----------
    endpoint : SageMakerEndpoint
        With a single attempt and the settings' `read_timeout_s`: the call has deadlines of its own.
    """

    def __init__(self, endpoint: SageMakerEndpoint) -> None:
        self._endpoint = endpoint

    def transcribe(self, request: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        """Send one state of an utterance; see `live_whisper.transport.requests.Transport`."""
        answer = wire.TranscribeResponse()
        body = self._endpoint.invoke(
            encode(request, seconds),
            CONTENT_TYPE,
            CONTENT_TYPE,
            within=seconds * (1 if request.is_partial else _SHARE_OF_AN_ATTEMPT),
        )
        try:
            answer.ParseFromString(body)
        except DecodeError:
            raise EndpointUnusable(
                "The endpoint's answer is not a TranscribeResponse; check the endpoint's name and "
                "the endpoint URL, or update the endpoint."
            ) from None
        return decode(answer, request)


def encode(request: TranscriptionRequest, seconds: float) -> bytes:
    """Write a TranscribeRequest whose answer is of no use after that many seconds."""
    parameters = wire.Parameters(beam_size=request.beam_size, word_timestamps=request.want_words)
    parameters.terms.extend(request.terms)
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
    """Read a TranscribeResponse; its times become those of the call.

    Words of a segment that was not aligned have the segment's times and no confidence.

    Raises
    ------
    InvocationFailed
        It lacks what every transcript has; an empty message is one of silence only if it says how
        much of it.
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
