# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Every refusal of the endpoint.

* EndpointError
    - InvalidRequest 400
        - MalformedBody 400
        - InvalidParameter 400
        - UnknownParameter 400
        - UnsupportedLanguage 400
        - UnsupportedTask 400
    - SourceNotAllowed 403
    - OriginNotAllowed 403
    - NotFound 404
    - MethodNotAllowed 405
    - NotAcceptable 406
    - BodyTooSlow 408
    - SessionEnded 408
    - WrongState 409
    - EmptyCommit 409
    - TooLarge 413
        - BodyTooLarge 413
        - AudioTooLong 413
        - TooManyChannels 413
        - TakesTooLong 413
    - UnsupportedMediaType 415
    - AudioNotDecodable 422
        - UnsupportedSampleRate 422
    - SourceNotFetchable 424
    - ProgressNotWritable 424
    - Cancelled 499
    - InternalError 500
    - Unavailable 503
        - Overloaded 503
        - EngineUnavailable 503
    - DeadlineExceeded 504
* StartRefused (no status: the endpoint does not start)
    - InvalidSetting
    - SelfTestFailed
    - ModelNotLoadable
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Self


class EndpointError(Exception):
    """An error that is returned to the caller.

    Parameters
    ----------
    message : str
        One sentence: what was wrong, with which value, and what to do. Shown to the caller.
    field : str, optional
        The invalid field of the request, such as ``parameters.beam_size``.

    Attributes
    ----------
    status : int
        HTTP status of the response.
    headers : mapping of str to str
        Further headers of the response.
    openai_code : str
        Code in OpenAI's format; empty: `code`.
    """

    status: ClassVar[int] = 500
    headers: Mapping[str, str] = MappingProxyType({})
    openai_code: ClassVar[str] = ""

    def __init__(self, message: str, field: str | None = None) -> None:
        # Pass both as args, from which pickle rebuilds the error in another process.
        super().__init__(message, field)
        self.message = message
        self.field = field

    def __str__(self) -> str:
        """Return the message without the field."""
        return self.message

    @property
    def code(self) -> str:
        """Machine-readable kind of the error: the name of the class."""
        return type(self).__name__

    def document(self, request_id: str) -> dict[str, str | None]:
        """Return the JSON of ``whisper_contract/schemas/error.schema.json``."""
        return {
            "error": self.message,
            "code": self.code,
            "field": self.field,
            "request_id": request_id,
        }

    def openai_document(self, request_id: str) -> dict[str, dict[str, str | None]]:
        """Return the error in OpenAI's format."""
        field = self.field.removeprefix("parameters.") if self.field else None
        return {
            "error": {
                "message": self.message,
                "type": "invalid_request_error" if self.status < 500 else "server_error",
                "param": "prompt" if field == "initial_prompt" else field,
                "code": self.openai_code or self.code,
                "request_id": request_id,
            }
        }


class InvalidRequest(EndpointError):
    """The request does not follow the contract."""

    status = 400


class MalformedBody(InvalidRequest):
    """The body does not match its content type."""


class InvalidParameter(InvalidRequest):
    """A field has a value of the wrong type or out of range."""


class UnknownParameter(InvalidRequest):
    """The request has a field that does not exist."""


class UnsupportedLanguage(InvalidRequest):
    """The model does not support the language."""


class UnsupportedTask(InvalidRequest):
    """The model does not support the task."""


class SourceNotAllowed(EndpointError):
    """The deployment does not allow reading this source, or writing progress to this object."""

    status = 403


class OriginNotAllowed(EndpointError):
    """The request comes from a web page whose origin the operator has not allowed."""

    status = 403


class NotFound(EndpointError):
    """The path does not exist."""

    status = 404


class MethodNotAllowed(EndpointError):
    """The path does not support this method; the header Allow names those that it supports."""

    status = 405

    @classmethod
    def of(cls, method: str, allowed: str = "POST") -> Self:
        """Return the error for a method, with the methods allowed instead, separated by commas."""
        error = cls(f"The method {method!r} is not allowed: use {allowed}.")
        error.headers = {"Allow": allowed}
        return error


class NotAcceptable(EndpointError):
    """The Accept header allows none of the answer formats."""

    status = 406


class BodyTooSlow(EndpointError):
    """The body did not arrive in time."""

    status = 408


class SessionEnded(EndpointError):
    """A WebSocket session reached its maximum length or was idle for too long."""

    status = 408


class WrongState(EndpointError):
    """The session's state does not allow this event."""

    status = 409


class EmptyCommit(EndpointError):
    """A session's commit had no audio; its event has OpenAI's `input_audio_buffer_commit_empty`."""

    status = 409
    openai_code = "input_audio_buffer_commit_empty"


class TooLarge(EndpointError):
    """The request exceeds a limit."""

    status = 413


class BodyTooLarge(TooLarge):
    """The body or the file has more bytes than the limit."""


class AudioTooLong(TooLarge):
    """The audio is longer than the limit."""


class TooManyChannels(TooLarge):
    """The audio has more channels than the limit."""


class TakesTooLong(TooLarge):
    """The recording cannot be transcribed before the deadline."""


class UnsupportedMediaType(EndpointError):
    """The endpoint does not support the content type."""

    status = 415


class AudioNotDecodable(EndpointError):
    """The bytes contain no audio that can be decoded."""

    status = 422


class UnsupportedSampleRate(AudioNotDecodable):
    """The sample rate is outside the supported range."""


class SourceNotFetchable(EndpointError):
    """An allowed source could not be read."""

    status = 424


class ProgressNotWritable(EndpointError):
    """The progress could not be written to the requested object."""

    status = 424


class Cancelled(EndpointError):
    """The request was cancelled by the object next to its progress."""

    # nginx's status for a request abandoned by its caller.
    status = 499


class InternalError(EndpointError):
    """A fault of the endpoint itself."""

    status = 500


class Unavailable(EndpointError):
    """The endpoint cannot answer now."""

    status = 503


class Overloaded(Unavailable):
    """The queue, the number of requests or the memory has reached its limit."""


class EngineUnavailable(Unavailable):
    """The engine is restarting after a failure."""

    def __init__(
        self,
        message: str = "The speech engine failed and is restarting: try again in a moment.",
        field: str | None = None,
    ) -> None:
        super().__init__(message, field)


class DeadlineExceeded(EndpointError):
    """The answer could not be given before the deadline."""

    status = 504


class StartRefused(Exception):
    """The endpoint does not start; the message says what to do."""


class InvalidSetting(StartRefused):
    """An environment variable has a value that the program cannot use."""


class SelfTestFailed(StartRefused):
    """The model does not transcribe the known clip."""


class ModelNotLoadable(StartRefused):
    """The weights could not be loaded."""
