# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sessions of NVIDIA Riva's clients, which use a variant of OpenAI's earlier events.

Their recognition options are ignored here: ``transcription_session.updated`` shows what is in
effect.
"""

from collections.abc import Mapping
from typing import Any

from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.proxy.realtime import fields

AUDIO = "input_audio_params"
_SPEAKERS = "session.speaker_diarization"
_BOOST = "session.word_boosting"
_ITS = {AUDIO, "recognition_config", "speaker_diarization", "word_boosting", "endpointing_config"}
# Clients send "none" for recordings with a header; the header itself is not sent, only PCM.
_FORMATS = ("pcm16", "none")
_RATE = 16_000


def is_its_session(session: Mapping[str, Any]) -> bool:
    """Whether a session object is in Riva's form."""
    return AUDIO in session


def as_openais(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session in OpenAI's earlier form, with our fields.

    Raises
    ------
    InvalidParameter
        400: an encoding other than 16-bit PCM, or speaker diarization.
    """
    form = {name: one for name, one in session.items() if name not in _ITS}
    encoding = form.get("input_audio_format", "pcm16")
    if encoding not in _FORMATS:
        raise fields.misfit("session.input_audio_format", encoding, "pcm16")
    params = fields.given(session[AUDIO], f"session.{AUDIO}")
    fields.check_names(params, {"sample_rate_hz", "num_channels"}, f"session.{AUDIO}")
    form["input_audio_format"] = {
        "type": "audio/pcm",
        "rate": params.get("sample_rate_hz", _RATE),
        "channels": params.get("num_channels", 1),
    }
    speakers = fields.given(session.get("speaker_diarization", {}), _SPEAKERS)
    if fields.flag(speakers.get("enable_speaker_diarization"), f"{_SPEAKERS}.enable"):
        raise InvalidParameter(
            "A session does not identify speakers within one channel: turn "
            "speaker_diarization off, or send each speaker's audio as a channel.",
            field="session.speaker_diarization",
        )
    if terms := _terms(session):
        transcription = fields.given(form.get("input_audio_transcription", {}), "session")
        form["input_audio_transcription"] = transcription | {"keywords": terms}
    return form


def audio(rate: int, channels: int) -> dict[str, Any]:
    """Return the audio fields that Riva's form adds to OpenAI's."""
    return {AUDIO: {"sample_rate_hz": rate, "num_channels": channels}}


def _terms(session: Mapping[str, Any]) -> list[str]:
    """Return the words to boost, ignoring their weights."""
    boosting = fields.given(session.get("word_boosting", {}), _BOOST)
    if not fields.flag(boosting.get("enable_word_boosting"), f"{_BOOST}.enable_word_boosting"):
        return []
    where = f"{_BOOST}.word_boosting_list"
    groups = boosting.get("word_boosting_list", [])
    if not isinstance(groups, list):
        raise fields.misfit(where, groups, "a list")
    phrases = [fields.given(one, where).get("phrases") for one in groups]
    return [term for group in phrases for term in fields.texts(group, f"{where}.phrases")]
