# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Options of a response format."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Form:
    """The format of a response and its options; names are those of a request's fields.

    Attributes
    ----------
    response_format : str
        A name in :data:`whisper_contract.formats.FORMATS`.
    task : str
        ``transcribe`` or ``translate``, for formats that contain it.
    timestamp_granularities : tuple of str
        ``segment``, ``word`` or both; empty: the format's default.
    include_segments : bool
        Whether JSON and protobuf have segments.
    is_wrapped : bool
        Whether JSON is wrapped as ``{"model_output": ...}``.
    is_streamed : bool
        Whether to use OpenAI's server-sent events; only for response_format json.
    max_line_width : int or None
        Maximum characters of a caption's line; None: unlimited.
    max_line_count : int or None
        Maximum lines of a caption; None: unlimited.
    job_name, account_id : str
        For Amazon Transcribe's format.
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
