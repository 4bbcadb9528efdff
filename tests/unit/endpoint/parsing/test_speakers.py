# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests for speakers, as other APIs ask for them too."""

from typing import Any

import pytest

from tests.unit.endpoint.parsing.test_wire_forms import DATA_URL, URL, from_form, from_json
from whisper_contract import transcription_pb2 as pb
from whisper_endpoint import errors, parsing
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.messages import Parameters
from whisper_endpoint.parsing.request import KnownSpeaker


def test_insanely_fast_whispers_flat_body() -> None:
    assert not from_json({"url": URL, "diarise_audio": False}).parameters.diarize
    flat = {"url": URL, "diarise_audio": True, "num_speakers": 2}
    assert from_json(flat).parameters == Parameters(diarize=True, num_speakers=2)
    assert from_json({"url": URL, "diarise_audio": False, "diarize": True}).parameters.diarize


def test_openais_form() -> None:
    assert from_form(("response_format", "diarized_json")).parameters.diarize
    assert not from_form(("response_format", "verbose_json")).parameters.diarize
    assert from_form(("diarize", "true"), ("max_speakers", "4")).parameters == Parameters(
        diarize=True, max_speakers=4
    )


KNOWN: dict[str, Any] = {"known_speaker_names": ["Ana"], "known_speaker_references": [DATA_URL]}
ANA = (KnownSpeaker("Ana", InlineAudio(b"RIFF")),)


def test_known_speakers_in_every_form_of_request() -> None:
    assert from_json({"url": URL, "parameters": {"diarize": True, **KNOWN}}).known_speakers == ANA
    assert from_json({"url": URL, "diarise_audio": True, **KNOWN}).known_speakers == ANA
    fields = [(f"{name}[]", values[0]) for name, values in KNOWN.items()]
    assert from_form(("response_format", "diarized_json"), *fields).known_speakers == ANA
    message = pb.TranscribeRequest(audio=b"x", parameters=pb.Parameters(diarize=True, **KNOWN))
    found = parsing.parse(message.SerializeToString(), "application/x-protobuf")
    assert found.known_speakers == ANA


def test_names_in_a_form_may_have_commas_with_and_without_brackets() -> None:
    for brackets in ("", "[]"):
        fields = [
            (f"known_speaker_names{brackets}", "Ana, an agent"),
            (f"known_speaker_references{brackets}", DATA_URL),
        ]
        (found,) = from_form(("response_format", "diarized_json"), *fields).known_speakers
        assert found.name == "Ana, an agent"


@pytest.mark.parametrize("name", ["known_speaker_references", "audio_data", "parameters"])
def test_what_does_not_fit_into_a_header_is_refused(name: str) -> None:
    with pytest.raises(errors.UnknownParameter, match="send it in a JSON body") as caught:
        parsing.parse(b"RIFF", "audio/wav", attributes=f"diarize=true;{name}=x")
    assert caught.value.field == name


# Reading a media type takes quadratic time: whole, these would take hours.
@pytest.mark.parametrize("filler", [";", ";a=b", ';a="b', ";a*0*=b"])
def test_the_media_type_of_a_known_voice_may_be_long(filler: str) -> None:
    long = f"data:audio/wav{filler * (5_900_000 // len(filler))};base64,UklGRg=="
    asked = {**KNOWN, "diarize": True, "known_speaker_references": [long]}
    assert from_json({"url": URL, **asked}).known_speakers == ANA


def test_a_known_voice_may_be_raw_samples() -> None:
    raw = {**KNOWN, "known_speaker_references": ["data:audio/PCMU;rate=8000;base64,UklGRg=="]}
    (found,) = from_json({"url": URL, "diarize": True, **raw}).known_speakers
    assert found.reference == InlineAudio(b"RIFF", RawForm("mulaw", 8_000))


@pytest.mark.parametrize(
    ("name", "character"),
    [("Ana <a@b.de>", "<"), ("a>b", ">"), ("a\nb", r"\n"), ("\u2028", r"\u2028")],
)
def test_a_name_is_refused_with_the_character_that_it_may_not_have(
    name: str, character: str
) -> None:
    with pytest.raises(errors.InvalidParameter) as caught:
        from_json({"url": URL, "diarize": True, **KNOWN, "known_speaker_names": [name]})
    assert str(caught.value).endswith(
        f'text of 1 to 64 characters such as agent without "{character}".'
    )


@pytest.mark.parametrize("asked", [{}, {"diarize": False}, {"response_format": "verbose_json"}])
def test_known_speakers_without_speakers_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(errors.InvalidParameter, match="diarize is not set") as caught:
        from_json({"url": URL, "parameters": {**KNOWN, **asked}})
    assert caught.value.field == "parameters.known_speaker_names"
