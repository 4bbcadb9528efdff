# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Known speakers of a request: names, and recordings of their voices as data URLs (RFC 2397)."""

import base64
import binascii
import re
from collections.abc import Sequence

import whisper_contract
from whisper_contract.text import as_seen
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.parsing import audio_body, headers
from whisper_endpoint.parsing.request import KnownSpeaker

_NAMES, _REFERENCES = "parameters.known_speaker_names", "parameters.known_speaker_references"
_PROPERTIES = whisper_contract.request_schema()["$defs"]["parameters"]["properties"]

MOST_CHARACTERS: int = _PROPERTIES["known_speaker_references"]["items"]["maxLength"]
"""Maximum length of one data URL."""

_DATA_URL = re.compile(r"data:([^,]*);base64,(.*)", re.DOTALL | re.IGNORECASE)
# Labels of speakers who are not known.
_LABEL = re.compile(r"SPEAKER_\d+", re.IGNORECASE)
# Unicode's controls of direction, which could make a line's text look like somebody else's.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


def read(names: Sequence[str], references: Sequence[str]) -> tuple[KnownSpeaker, ...]:
    """Return the known speakers of a request, whose values follow the contract.

    Raises
    ------
    InvalidParameter
        400: not as many names as references, a name that looks like no one person's, or a
        reference that is not a data URL in base64.
    """
    if len(names) != len(references):
        raise InvalidParameter(
            f"There are {len(names)} known_speaker_names and {len(references)} "
            "known_speaker_references: send one reference for each name, in the same order.",
            field=_NAMES,
        )
    seen = [as_seen(name) for name in names]
    for place, name in enumerate(names):
        if seen[place] in seen[:place]:
            raise InvalidParameter(
                f"known_speaker_names has {name!r} twice: send one name and one reference for "
                "each person.",
                field=_NAMES,
            )
        if _DIRECTION.search(name):
            raise InvalidParameter(
                f"known_speaker_names has {name!r}, with a character that changes the direction of "
                "text: leave it out.",
                field=_NAMES,
            )
        if not seen[place] or _LABEL.fullmatch(seen[place]):
            raise InvalidParameter(
                f"known_speaker_names has {name!r}, which is blank or a label of speakers who are "
                "not known: use another name.",
                field=_NAMES,
            )
    return tuple(
        KnownSpeaker(name, _audio(reference, f"{_REFERENCES}.{place}"))
        for place, (name, reference) in enumerate(zip(names, references, strict=True))
    )


def _audio(reference: str, field: str) -> InlineAudio:
    parts = _DATA_URL.fullmatch(reference)
    try:
        data = base64.b64decode(parts[2], validate=True) if parts else b""
    except (binascii.Error, ValueError):
        data = b""
    if parts is None or not data:
        raise InvalidParameter(
            f"{field.removeprefix('parameters.')} is not a data URL with audio in base64: send "
            "data:audio/wav;base64,... of an audio file.",
            field=field,
        )
    return InlineAudio(data, audio_body.raw_form(*headers.content_type(parts[1]), field))
