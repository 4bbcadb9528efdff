# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Rejects fields in places where they have no effect: ignoring them would give another result.

Names that are not in the contract are ignored there: other software puts trace ids into SageMaker's
header, and versions or keys into the URL.
"""

from collections.abc import Iterator
from urllib.parse import parse_qsl

import whisper_contract
from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.parsing import validation
from whisper_endpoint.parsing.draft import Envelope
from whisper_endpoint.parsing.headers import CUSTOM_ATTRIBUTES

# Accepted and ignored everywhere.
_MODEL = "model"


def check(envelope: Envelope, *, is_audio: bool) -> None:
    """Check that no field is in the URL's query, nor in the header if the body is not audio.

    Raises
    ------
    InvalidParameter
        400: a field has no effect there.
    """
    known = {*validation.names(), *whisper_contract.openai_fields()} - {_MODEL}
    for name, place in _named(envelope, is_audio=is_audio):
        if name.partition(".")[0] in known:
            raise InvalidParameter(
                f"{name[:60]} has no effect in {place}: put it into the body, or if that is audio "
                f"into {CUSTOM_ATTRIBUTES}.",
                field=name[:60],
            )


def _named(envelope: Envelope, *, is_audio: bool) -> Iterator[tuple[str, str]]:
    for name, _ in parse_qsl(envelope.query, keep_blank_values=True):
        yield name, "the address"
    for part in () if is_audio else envelope.attributes.split(";"):
        name, equals, _ = part.partition("=")
        if equals:
            yield name.strip(), f"{CUSTOM_ATTRIBUTES} here"
