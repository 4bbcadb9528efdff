# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Transcription options chosen on the page."""

from collections.abc import Mapping
from dataclasses import dataclass

from live_whisper.errors import StreamError
from whisper_contract import request_schema
from whisper_contract.languages import code_of
from whisper_stream.audio.buffer import WIRE_RATE
from whisper_stream.settings import CallSettings

SPEAKERS = {
    "channels": {"channel_identification": "true"},
    "voices": {"diarize": "true"},
    "together": {},
}
"""Ways to separate speakers, with their request parameters."""


@dataclass(frozen=True, kw_only=True)
class TranscriptionOptions:
    """Values of the page's fields.

    Attributes
    ----------
    language : str or None
        None: detected.
    languages : tuple of str
        Languages that may be detected.
    terms : tuple of str
        Expected names and words.
    redaction : bool
        Whether card numbers and the like are redacted.
    speakers : str
        A key of `SPEAKERS`; only for whole files.
    """

    language: str | None = None
    languages: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    redaction: bool = False
    speakers: str = "together"

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "TranscriptionOptions":
        """Parse a query; raises `StreamError` for an unknown way to separate speakers."""
        speakers = query.get("speakers", "together")
        if speakers not in SPEAKERS:
            raise StreamError(f"{speakers!r} is not valid; choose one of {', '.join(SPEAKERS)}.")
        return cls(
            language=query.get("language") or None,
            # Names become codes; unknown ones are refused later by the settings or the endpoint.
            languages=tuple(code_of(one) or one for one in _listed(query.get("languages", ""))),
            terms=_listed(query.get("terms", "")),
            redaction=query.get("redaction") == "true",
            speakers=speakers,
        )

    def parameters(self) -> dict[str, str]:
        """Return the request parameters that differ from their defaults."""
        given = {
            "language": self.language or "",
            "languages": "" if self.language else ",".join(self.languages),
            "terms": ",".join(self.terms),
            "redaction": "true" if self.redaction else "",
        }
        given |= SPEAKERS[self.speakers] | {"word_timestamps": "true"}
        return {name: value for name, value in given.items() if value}

    def live(self) -> CallSettings:
        """Return the settings of a live call; raises `StreamError` for invalid values."""
        return CallSettings(
            sample_rate=WIRE_RATE,
            languages=(self.language, self.language),
            allowed_languages=() if self.language else self.languages,
            terms=self.terms,
            redaction=self.redaction,
        )


def speakers_known() -> list[str]:
    """Return the keys of `SPEAKERS` whose parameters the contract knows."""
    known = request_schema()["$defs"]["parameters"]["properties"]
    return [key for key, wanted in SPEAKERS.items() if all(name in known for name in wanted)]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (" ".join(one.split()) for one in text.split(","))))
