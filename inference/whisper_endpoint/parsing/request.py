# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One request, whatever its wire form was; ``parsing`` reads them all into this."""

from dataclasses import dataclass

from whisper_endpoint.audio.sources import Source
from whisper_endpoint.messages import Parameters


@dataclass(frozen=True, kw_only=True)
class LiveFields:
    """What a request says of its place in a call; ``request.schema.json`` has the rest."""

    partial: bool | None = None
    utterance_id: str | None = None
    call_id: str | None = None
    channel: int | None = None
    sequence: int | None = None
    deadline_ms: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether the request says that it is part of a call."""
        return self.partial or self.utterance_id is not None or self.call_id is not None


NOTHING_SAID = LiveFields()


@dataclass(frozen=True, kw_only=True)
class Output:
    """The form in which the answer is wanted; ``request.schema.json`` has the rest.

    Attributes
    ----------
    response_format : str or None
        As asked for; it wins over ``accept``. None: ``accept`` decides, or else the dialect.
    accept : str
        Value of the Accept header; empty if there was none.
    dialect : {"native", "openai", "chunks", "protobuf"}
        Whose request it is, and so whose answer it gets where nothing else is said: ours (which
        is Live Call Analytics'), OpenAI's, insanely-fast-whisper's, or a TranscribeResponse.
    is_wrapped : bool
        The request came as ``{"model_input": ...}``: its answer goes as ``{"model_output": ...}``.
    is_streamed : bool
        The answer goes as OpenAI's server-sent events.
    timestamp_granularities : tuple of {"segment", "word"}
        Of what the answer gives times, where its form leaves a choice; empty: the form's default.
    include_segments : bool
        Whether an answer whose form can do without segments has them.
    max_line_width, max_line_count : int or None
        Of captions: characters of a line, lines of a caption.
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
class Request:
    """One request.

    Attributes
    ----------
    source : InlineAudio or S3Audio
        Where its audio is.
    parameters : Parameters
        How to transcribe it.
    live : LiveFields
        What it says of its place in a call.
    is_lca_form : bool
        Whether it looks like one of Live Call Analytics': an array of bytes, exactly the five
        parameters that its client sends, and none of the fields by which others say more.
    output : Output
        How it wants its answer.
    progress_s3_uri : str or None
        Where it wants to see how far it is.
    """

    source: Source
    parameters: Parameters
    live: LiveFields = NOTHING_SAID
    is_lca_form: bool = False
    output: Output = Output()
    progress_s3_uri: str | None = None
