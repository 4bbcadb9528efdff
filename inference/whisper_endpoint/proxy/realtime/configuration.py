# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Configuration of a session: OpenAI's session objects, in their current and earlier form.

OpenAI's options that we lack are accepted and ignored; ``session.updated`` shows what is in effect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.proxy.realtime import fields, riva
from whisper_stream.audio.samples import Encoding
from whisper_stream.errors import StreamError
from whisper_stream.settings import CallSettings

PARTIALS = "item.input_audio_transcription.partials"
"""Our extension of a session's ``include``: send the whole text so far with every partial."""

PCM_RATES = (8_000, 16_000, 24_000)
_G711_RATE = 8_000
_MOST_CHANNELS = 2
_SILENCE_MS = (200, 5_000)
# Factor on the silence required after less than a second of speech.
_SHORT = 1.5
_PREFIX_MS = 250

_TYPES = {"audio/pcm": Encoding.PCM16, "audio/pcmu": Encoding.MULAW, "audio/pcma": Encoding.ALAW}
_OLD_FORMATS: dict[str, dict[str, Any]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24_000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
_OLD_FIELDS = {
    "input_audio_format": "format",
    "input_audio_transcription": "transcription",
    "input_audio_noise_reduction": "noise_reduction",
    "turn_detection": "turn_detection",
}
# OpenAI's fields that are ignored here; see the module's docstring.
_WITHOUT_EFFECT = {
    "transcription": {"model", "delay"},
    "turn_detection": {
        "threshold",
        "eagerness",
        "prefix_padding_ms",
        "create_response",
        "interrupt_response",
        "idle_timeout_ms",
    },
    "session": {"id", "object", "expires_at", "client_secret", "modalities", "model"},
}


@dataclass(frozen=True)
class Configuration:
    """The configuration in effect in a session.

    Attributes
    ----------
    encoding, rate, channels
        Of the incoming audio: samples per second and channel, interleaved channels.
    call : CallSettings
        How it is transcribed.
    model : str
        The client's name for the model; the deployment decides which one it is.
    has_partials : bool
        Whether the client also wants text that is not stable yet.
    in_pieces : bool
        Whether a commit only marks the end of a chunk of audio, as with Riva's clients.
    """

    encoding: Encoding = Encoding.PCM16
    rate: int = 24_000
    channels: int = 1
    call: CallSettings = field(default_factory=lambda: CallSettings(sample_rate=16_000))
    model: str = "whisper-1"
    has_partials: bool = False
    in_pieces: bool = False

    def updated(self, session: object) -> "Configuration":
        """Return the configuration after a client's update.

        Raises
        ------
        InvalidParameter
            400: an invalid value; the error names the field.
        UnknownParameter
            400: a field that neither OpenAI's sessions nor ours have.
        """
        given = fields.given(session, "session")
        changed = self
        if riva.is_its_session(given):
            given, changed = riva.as_openais(given), replace(self, in_pieces=True)
        if given.get("type", "transcription") != "transcription":
            remedy = "transcription, the only type that this endpoint supports"
            raise fields.misfit("session.type", given["type"], remedy)
        if "include" in given:
            included = fields.texts(given["include"], "session.include")
            changed = replace(changed, has_partials=PARTIALS in included)
        for name, value in _of_input(given).items():
            changed = _UPDATES[name](changed, value)
        return changed

    def described(self) -> dict[str, Any]:
        """Return the ``audio.input`` of a session object, in the current form."""
        form: dict[str, Any] = {
            "type": next(name for name, one in _TYPES.items() if one is self.encoding)
        }
        if self.encoding is Encoding.PCM16:
            form["rate"] = self.rate
        if self.channels > 1:
            form["channels"] = self.channels
        return {
            "format": form,
            "noise_reduction": None,
            "transcription": self._transcription(),
            "turn_detection": self._turn_detection(),
        }

    def included(self) -> list[str]:
        """Return the session's ``include``."""
        return [PARTIALS] if self.has_partials else []

    def described_as_before(self) -> dict[str, Any]:
        """Return the input fields of a session object, in the earlier form."""
        inside = self.described()
        kinds = {one["type"]: name for name, one in _OLD_FORMATS.items()}
        shown = {old: inside[new] for old, new in _OLD_FIELDS.items()}
        shown["input_audio_format"] = kinds[inside["format"]["type"]]
        return shown | (riva.audio(self.rate, self.channels) if self.in_pieces else {})

    def _transcription(self) -> dict[str, Any]:
        call = self.call
        shown: dict[str, Any] = {"model": self.model, "language": call.languages[0]}
        if call.allowed_languages:
            shown["languages"] = list(call.allowed_languages)
        if call.terms:
            shown["keywords"] = list(call.terms)
        if call.redaction:
            shown["redaction"] = True
        return shown | {"prompt": call.prompt or ""}

    def _turn_detection(self) -> dict[str, Any] | None:
        if not self.call.by_silence:
            return None
        return {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": _PREFIX_MS,
            "silence_duration_ms": round(1000 * self.call.silence_s),
        }


def _of_input(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields about the input audio, from either form, by their current names."""
    known = {"type", "include", "audio", *_OLD_FIELDS, *_WITHOUT_EFFECT["session"]}
    fields.check_names(given, known, "session")
    audio = fields.given(given.get("audio", {}), "session.audio")
    fields.check_names(audio, {"input"}, "session.audio")
    found = dict(fields.given(audio.get("input", {}), "session.audio.input"))
    fields.check_names(found, {*_OLD_FIELDS.values()}, "session.audio.input")
    for old, new in _OLD_FIELDS.items():
        if old in given:
            found[new] = given[old]
    if isinstance(found.get("format"), str):
        name = found["format"]
        if name not in _OLD_FORMATS:
            raise fields.misfit("session.input_audio_format", name, "pcm16, g711_ulaw or g711_alaw")
        found["format"] = _OLD_FORMATS[name]
    return found


def _with_format(before: Configuration, value: object) -> Configuration:
    where = "session.audio.input.format"
    form = fields.given(value, where)
    fields.check_names(form, {"type", "rate", "channels"}, where)
    kind = form.get("type", "audio/pcm")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise fields.misfit(f"{where}.type", kind, "audio/pcm, audio/pcmu or audio/pcma")
    rates = PCM_RATES if kind == "audio/pcm" else (_G711_RATE,)
    rate = form.get("rate", rates[-1])
    if rate not in rates:
        raise fields.misfit(f"{where}.rate", rate, " or ".join(map(str, rates)))
    channels = form.get("channels", 1)
    if type(channels) is not int or not 1 <= channels <= _MOST_CHANNELS:
        raise fields.misfit(f"{where}.channels", channels, "1, or 2 for both sides of a call")
    return replace(
        before,
        encoding=_TYPES[kind],
        rate=int(rate),
        channels=channels,
        call=_call(before.call, sample_rate=_G711_RATE if rate == _G711_RATE else 16_000),
    )


def _with_transcription(before: Configuration, value: object) -> Configuration:
    where = "session.audio.input.transcription"
    given = fields.mapping(value, where)
    ours = {"language", "languages", "keywords", "prompt", "redaction"}
    fields.check_names(given, ours | _WITHOUT_EFFECT["transcription"], where)
    changed: dict[str, Any] = {}
    if "languages" in given:
        named = fields.texts(given["languages"], f"{where}.languages")
        allowed = (fields.language(one, f"{where}.languages") for one in named)
        changed |= {"languages": (None, None), "allowed_languages": tuple(filter(None, allowed))}
    if "language" in given:
        language = fields.language(given["language"], f"{where}.language")
        changed["languages"] = (language, language)
    if "keywords" in given:
        changed["terms"] = tuple(fields.texts(given["keywords"], f"{where}.keywords"))
    if "prompt" in given:
        changed["prompt"] = fields.text(given["prompt"], f"{where}.prompt")
    if "redaction" in given:
        changed["redaction"] = fields.flag(given["redaction"], f"{where}.redaction")
    model = fields.text(given.get("model"), f"{where}.model") or before.model
    return replace(before, model=model[:100], call=_call(before.call, **changed))


def _with_turn_detection(before: Configuration, value: object) -> Configuration:
    where = "session.audio.input.turn_detection"
    if value is None:
        return replace(before, call=_call(before.call, by_silence=False))
    given = fields.given(value, where)
    fields.check_names(
        given, {"type", "silence_duration_ms", *_WITHOUT_EFFECT["turn_detection"]}, where
    )
    if given.get("type", "server_vad") not in ("server_vad", "semantic_vad"):
        raise fields.misfit(
            f"{where}.type", given["type"], "server_vad, or null to commit yourself"
        )
    shortest, longest = _SILENCE_MS
    silence = given.get("silence_duration_ms", round(1000 * before.call.silence_s))
    if not isinstance(silence, int | float) or not shortest <= silence <= longest:
        raise fields.misfit(f"{where}.silence_duration_ms", silence, f"{shortest} to {longest}")
    call = _call(before.call, by_silence=True)
    if "silence_duration_ms" in given:
        seconds = silence / 1000
        # A client that sets it expects it for long utterances too.
        patience = {"silence_s": seconds, "long_silence_s": seconds}
        call = _call(call, **patience, short_silence_s=_SHORT * seconds)
    return replace(before, call=call)


def _unchanged(before: Configuration, value: object) -> Configuration:
    del value
    return before


_UPDATES: dict[str, Callable[[Configuration, object], Configuration]] = {
    "format": _with_format,
    "transcription": _with_transcription,
    "turn_detection": _with_turn_detection,
    "noise_reduction": _unchanged,
}


def _call(before: CallSettings, **changed: Any) -> CallSettings:
    try:
        return replace(before, **changed)
    except StreamError as error:
        raise InvalidParameter(str(error), field="session.audio.input.transcription") from None
