# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How an answer is written."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Form:
    """How an answer is written; what is a request's has the name that it has there.

    Attributes
    ----------
    response_format : str
        A name of :data:`whisper_contract.formats.FORMATS`.
    task : str
        ``transcribe`` or ``translate``, as an answer says it.
    timestamp_granularities : tuple of str
        ``segment``, ``word``, both or, for the format's own choice, none.
    include_segments : bool
        Whether JSON and protobuf have segments.
    is_wrapped : bool
        Whether JSON goes as ``{"model_output": ...}``.
    is_streamed : bool
        Whether it goes as OpenAI's server-sent events, of response_format json alone.
    max_line_width : int or None
        Characters of a caption's line, from which it is broken; None: never.
    max_line_count : int or None
        Lines of a caption, from which another caption begins; None: no limit.
    job_name, account_id : str
        As an answer in Amazon Transcribe's form gives them.
    """

    response_format: str = "lca"
    task: str = "transcribe"
    timestamp_granularities: tuple[str, ...] = ()
    include_segments: bool = True
    is_wrapped: bool = False
    is_streamed: bool = False
    max_line_width: int | None = None
    max_line_count: int | None = None
    job_name: str = "transcription"
    account_id: str = "000000000000"
