# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whole-file transcription for the page: the request, and the result shown."""

import json
import time
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from live_whisper.console.library import OfferedCall
from live_whisper.console.options import TranscriptionOptions
from live_whisper.console.request_code import EndpointAddress, curl, python
from live_whisper.errors import EndpointUnusable
from live_whisper.transport import whole_files
from live_whisper.transport.sagemaker import SageMakerEndpoint
from whisper_contract import formats
from whisper_contract.formats import protobuf
from whisper_contract.transcript import Transcript


@dataclass(frozen=True)
class HeardFile:
    """The transcript of a file.

    Attributes
    ----------
    seconds : float
        Duration of the request.
    """

    transcript: Transcript
    seconds: float

    def shown(self) -> dict[str, Any]:
        """Return the endpoint's JSON answer, plus facts that it lacks."""
        return {
            "answer": json.loads(formats.render(self.transcript, formats.Form())),
            "language_probability": self.transcript.language_probability,
            "duration": self.transcript.duration,
            "took": self.seconds,
        }


class WholeFiles:
    """Sends files to one endpoint. Safe for threads.

    Parameters
    ----------
    address : EndpointAddress
        The endpoint's address, for the code samples.
    """

    def __init__(self, endpoint: SageMakerEndpoint, address: EndpointAddress) -> None:
        self._endpoint = endpoint
        self._address = address

    def transcribe(self, entry: OfferedCall, options: TranscriptionOptions) -> HeardFile:
        """Transcribe a file; raises `LiveError` as `whole_files.transcribe` does."""
        whole_files.refuse_size(entry.size, entry.title)
        began = time.monotonic()
        # Protobuf holds everything the other formats do, so downloads need no new request.
        wanted = {"response_format": "protobuf"} | options.parameters()
        body = whole_files.transcribe(self._endpoint, entry.path.read_bytes(), entry.title, wanted)
        try:
            transcript = protobuf.read(body)
        except DecodeError:
            raise EndpointUnusable(
                "The endpoint's answer is not a transcript; check the endpoint's name, or "
                "update it."
            ) from None
        return HeardFile(transcript, time.monotonic() - began)

    def code(self, entry: OfferedCall, options: TranscriptionOptions) -> dict[str, str]:
        """Return the same request as code samples that answer in JSON."""
        given = (self._address, entry.title, options.parameters())
        return {"curl": curl(*given), "python": python(*given)}
