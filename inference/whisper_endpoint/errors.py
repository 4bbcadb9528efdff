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

from typing import ClassVar


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
    """

    status: ClassVar[int] = 500

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
                "code": self.code,
                "request_id": request_id,
            }
        }


class InvalidRequest(EndpointError):
    """The request does not follow the contract."""

    status = 400


class MalformedBody(InvalidRequest):
    """The body is not what its content type says."""


class InvalidParameter(InvalidRequest):
    """A field has a value of the wrong type or out of range."""


class UnknownParameter(InvalidRequest):
    """A field that the contract does not have."""


class UnsupportedLanguage(InvalidRequest):
    """The model does not have the language."""


class UnsupportedTask(InvalidRequest):
    """The model cannot do the task."""


class SourceNotAllowed(EndpointError):
    """The deployment does not allow reading from there, or writing the progress there."""

    status = 403


class OriginNotAllowed(EndpointError):
    """A web page of an origin that the operator has not allowed."""

    status = 403


class NotFound(EndpointError):
    """There is nothing at this path."""

    status = 404


class MethodNotAllowed(EndpointError):
    """The path takes another method."""

    status = 405


class NotAcceptable(EndpointError):
    """There is no answer in a form that the Accept header takes."""

    status = 406


class BodyTooSlow(EndpointError):
    """The body was not there in time."""

    status = 408


class SessionEnded(EndpointError):
    """A session over a WebSocket that lasted as long as one may, or had nothing to do."""

    status = 408


class WrongState(EndpointError):
    """An event that does not fit where its session stands."""

    status = 409


class TooLarge(EndpointError):
    """More than a limit allows."""

    status = 413


class BodyTooLarge(TooLarge):
    """More bytes than a limit allows."""


class AudioTooLong(TooLarge):
    """More seconds of audio than a limit allows."""


class TooManyChannels(TooLarge):
    """More channels of audio than a limit allows."""


class TakesTooLong(TooLarge):
    """More work than can be done before the deadline."""


class UnsupportedMediaType(EndpointError):
    """A content type that the endpoint does not take."""

    status = 415


class AudioNotDecodable(EndpointError):
    """The bytes hold no audio that can be decoded."""

    status = 422


class UnsupportedSampleRate(AudioNotDecodable):
    """Fewer or more samples per second than the limits allow."""


class SourceNotFetchable(EndpointError):
    """An allowed source could not be read."""

    status = 424


class ProgressNotWritable(EndpointError):
    """The progress could not be written where the request wants it."""

    status = 424


class Cancelled(EndpointError):
    """The marker beside the request's progress stopped it."""

    # nginx's status for a request abandoned by its caller.
    status = 499


class InternalError(EndpointError):
    """A fault of the endpoint itself."""

    status = 500


class Unavailable(EndpointError):
    """The endpoint cannot answer now."""

    status = 503


class Overloaded(Unavailable):
    """There is no room: in the queue, among requests or in memory."""


class EngineUnavailable(Unavailable):
    """The engine is starting again after a failure."""

    def __init__(
        self,
        message: str = "The speech engine failed and is starting again: try again in a moment.",
        field: str | None = None,
    ) -> None:
        super().__init__(message, field)


class DeadlineExceeded(EndpointError):
    """The answer would have come too late."""

    status = 504


class StartRefused(Exception):
    """The endpoint does not start; the message says what to do."""


class InvalidSetting(StartRefused):
    """An environment variable has a value that the program cannot use."""


class SelfTestFailed(StartRefused):
    """The model does not transcribe the known clip."""


class ModelNotLoadable(StartRefused):
    """The weights could not be loaded."""
