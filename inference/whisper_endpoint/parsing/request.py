# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A parsed request, independent of its wire format."""

from dataclasses import dataclass

from whisper_endpoint.audio.sources import InlineAudio, Source
from whisper_endpoint.messages import Parameters


@dataclass(frozen=True, kw_only=True)
class LiveFields:
    """A request's place in a live call; ``request.schema.json`` describes the fields."""

    partial: bool | None = None
    utterance_id: str | None = None
    call_id: str | None = None
    channel: int | None = None
    sequence: int | None = None
    deadline_ms: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether the request declares itself part of a call."""
        return self.partial or self.utterance_id is not None or self.call_id is not None


NOTHING_SAID = LiveFields()


@dataclass(frozen=True, kw_only=True)
class Output:
    """The requested format of the response; ``request.schema.json`` describes the rest.

    Attributes
    ----------
    response_format : str or None
        Takes precedence over ``accept``. None: ``accept`` decides, or else the dialect.
    accept : str
        Value of the Accept header; empty if absent.
    dialect : {"native", "openai", "chunks", "protobuf"}
        API that the request follows, which gives the default response format: ours (which is Live
        Call Analytics'), OpenAI's, insanely-fast-whisper's, or a TranscribeResponse.
    is_wrapped : bool
        The request was ``{"model_input": ...}``; the response is ``{"model_output": ...}``.
    is_streamed : bool
        Respond with OpenAI's server-sent events.
    timestamp_granularities : tuple of {"segment", "word"}
        What to give times for, if the format leaves a choice; empty: the format's default.
    include_segments : bool
        Whether to include segments, if the format can do without them.
    max_line_width, max_line_count : int or None
        For captions: characters per line, lines per caption.
    """

    response_format: str | None = None
    accept: str = ""
    dialect: str = "native"
    is_wrapped: bool = False
    is_streamed: bool = False
    timestamp_granularities: tuple[str, ...] = ()
    include_segments: bool = True
    max_line_width: int | None = None
    max_line_count: int | None = None


@dataclass(frozen=True)
class KnownSpeaker:
    """Somebody whose voice the request knows: a name, and a recording of it."""

    name: str
    reference: InlineAudio


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes
    ----------
    source : InlineAudio, S3Audio or UrlAudio
        Where its audio is.
    parameters : Parameters
        How to transcribe it.
    live : LiveFields
        Its place in a live call.
    is_lca_form : bool
        Whether it looks like Live Call Analytics': an array of bytes, exactly the five parameters
        that its client sends, and no other field.
    output : Output
        Requested format of the response.
    progress_s3_uri : str or None
        Where to write its progress.
    known_speakers : tuple of KnownSpeaker
        People to find among the speakers.
    """

    source: Source
    parameters: Parameters
    live: LiveFields = NOTHING_SAID
    is_lca_form: bool = False
    output: Output = Output()
    progress_s3_uri: str | None = None
    known_speakers: tuple[KnownSpeaker, ...] = ()
