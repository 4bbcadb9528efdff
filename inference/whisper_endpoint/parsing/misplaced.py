# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fields that stand where they have no effect: to leave them out would be to answer something else.

What is none of the contract's fields is left alone there: others write the number of a trace into
SageMaker's header, and a version or a key into the address.
"""

from collections.abc import Iterator
from urllib.parse import parse_qsl

import whisper_contract
from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.parsing import validation
from whisper_endpoint.parsing.draft import Envelope
from whisper_endpoint.parsing.headers import CUSTOM_ATTRIBUTES

# Taken without effect wherever it stands.
_MODEL = "model"


def check(envelope: Envelope, *, is_audio: bool) -> None:
    """Refuse fields in the address, and in the header if the body is not audio.

    Raises
    ------
    InvalidParameter
        400
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
