# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Protobuf over SageMaker."""

from google.protobuf.message import DecodeError

from live_whisper.errors import EndpointUnusable
from live_whisper.transport.sagemaker import SageMakerEndpoint
from whisper_contract import transcription_pb2 as wire
from whisper_stream.protobuf import CONTENT_TYPE, decode, encode
from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse

_SHARE_OF_AN_ATTEMPT = 0.5
"""Share of the remaining time for one attempt at a final, so that a retry fits."""


class ProtobufTransport:
    """Sends protobuf requests to one endpoint.

    Parameters
    ----------
    endpoint : SageMakerEndpoint
        With one attempt and the settings' `read_timeout_s`: calls have their own deadlines.
    """

    def __init__(self, endpoint: SageMakerEndpoint) -> None:
        self._endpoint = endpoint

    def transcribe(self, request: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        """Send one state of an utterance; see `live_whisper.transport.transport.Transport`."""
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
