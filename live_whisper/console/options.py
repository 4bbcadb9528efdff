# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How the page wants a call to be transcribed."""

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
"""How speakers are told apart, and the parameters of the request that say so."""


@dataclass(frozen=True, kw_only=True)
class TranscriptionOptions:
    """What the page's fields say.

    Attributes
    ----------
    language : str or None
        None: to be detected.
    languages : tuple of str
        Those that may be detected.
    terms : tuple of str
        Names and other words to expect.
    redaction : bool
        Whether numbers of cards and the like are left out.
    speakers : str
        A key of `SPEAKERS`; for whole files alone.
    """

    language: str | None = None
    languages: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    redaction: bool = False
    speakers: str = "together"

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "TranscriptionOptions":
        """Read them from an address; raises `StreamError` for a way of telling speakers apart."""
        speakers = query.get("speakers", "together")
        if speakers not in SPEAKERS:
            raise StreamError(f"{speakers!r} is none of {', '.join(SPEAKERS)}; choose one of them.")
        return cls(
            language=query.get("language") or None,
            # A name is taken for its code; what is neither is refused by whoever is asked.
            languages=tuple(code_of(one) or one for one in _listed(query.get("languages", ""))),
            terms=_listed(query.get("terms", "")),
            redaction=query.get("redaction") == "true",
            speakers=speakers,
        )

    def parameters(self) -> dict[str, str]:
        """Return the parameters of a request that differ from their defaults."""
        given = {
            "language": self.language or "",
            "languages": "" if self.language else ",".join(self.languages),
            "terms": ",".join(self.terms),
            "redaction": "true" if self.redaction else "",
        }
        given |= SPEAKERS[self.speakers] | {"word_timestamps": "true"}
        return {name: value for name, value in given.items() if value}

    def live(self) -> CallSettings:
        """Return the settings of a live call; raises `StreamError` where it has none of these."""
        return CallSettings(
            sample_rate=WIRE_RATE,
            languages=(self.language, self.language),
            allowed_languages=() if self.language else self.languages,
            terms=self.terms,
            redaction=self.redaction,
        )


def speakers_known() -> list[str]:
    """Return the keys of `SPEAKERS` whose parameters this contract has."""
    known = request_schema()["$defs"]["parameters"]["properties"]
    return [key for key, wanted in SPEAKERS.items() if all(name in known for name in wanted)]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (" ".join(one.split()) for one in text.split(","))))
