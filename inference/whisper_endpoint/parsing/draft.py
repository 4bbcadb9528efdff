# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Input and output of the modules for the wire formats."""

from dataclasses import dataclass
from typing import Any

from whisper_endpoint.audio.sources import InlineAudio


@dataclass(frozen=True)
class Envelope:
    """A request as received.

    Attributes
    ----------
    content_type, accept : str
        Values of the headers; empty if absent.
    attributes : str
        Value of SageMaker's custom-attributes header, likewise.
    path, query : str
        Parts of the URL.
    """

    body: bytes
    content_type: str
    accept: str = ""
    attributes: str = ""
    path: str = "/"
    query: str = ""


@dataclass(frozen=True)
class Draft:
    """A request in the JSON form, not yet validated.

    Attributes
    ----------
    document : dict
        As in ``request.schema.json``. If ``audio`` is set, ``audio_input`` is only a list of one
        byte, so that the validator need not look at all of them.
    audio : InlineAudio or None
        The audio sent with the request.
    accept : str
        Value of the Accept header; empty if absent.
    dialect, is_wrapped, is_streamed, is_lca_form : str, bool, bool, bool
        As in :class:`whisper_endpoint.parsing.request.Output` and ``Request``.
    """

    document: dict[str, Any]
    audio: InlineAudio | None = None
    accept: str = ""
    dialect: str = "native"
    is_wrapped: bool = False
    is_streamed: bool = False
    is_lca_form: bool = False


AUDIO_STANDS_IN = [0]
"""Placeholder for ``audio_input`` in a document whose audio has been read already."""
