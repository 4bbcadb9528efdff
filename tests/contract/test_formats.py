# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Every format, read back by a parser that is not ours."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.audio import Transcription, TranscriptionVerbose

import whisper_contract
from tests.contract.rendering import JSON, anything, document, milliseconds, written
from tests.contract.transcripts import ONE_CHANNEL, TWO_CHANNELS, transcripts
from whisper_contract import formats
from whisper_contract.formats import FORMATS, Form, Words
from whisper_contract.transcript import Transcript


def test_the_request_names_every_format() -> None:
    named = whisper_contract.request_schema()["$defs"]["parameters"]["properties"][
        "response_format"
    ]
    assert set(named["enum"]) - {None} == FORMATS.keys() - {"lca"}


@pytest.mark.parametrize("name", JSON)
@anything
@given(transcript=transcripts(), granularities=st.sampled_from([(), ("word",), ("segment",)]))
def test_every_json_follows_its_schema(
    name: str, transcript: Transcript, granularities: tuple[str, ...]
) -> None:
    document(transcript, name, timestamp_granularities=granularities)
    bare = written(transcript, name)
    assert json.loads(written(transcript, name, is_wrapped=True)) == {
        "model_output": json.loads(bare)
    }


def test_the_own_form_has_everything() -> None:
    found = document(ONE_CHANNEL, "lca")
    assert found["text"] == 'Hello, I\'m Ana. She said "no"?'
    first = found["segments"][0]
    assert (first["id"], first["start"], first["end"]) == (1, 0.123, 2.0)
    assert first["words"][1] == {
        "word": " I'm",
        "start": 0.749,
        "end": 1.374,
        "probability": 0.51,
    }
    assert "segments" not in document(ONE_CHANNEL, "lca", include_segments=False)
    assert [one["channel"] for one in document(TWO_CHANNELS, "lca")["segments"]] == [0, 1, 0]
    # Live Call Analytics drops a text that comes with one.
    assert "no_speech_prob" not in found


# Plain text.


@anything
@given(transcripts())
def test_text_is_the_text(transcript: Transcript) -> None:
    body = written(transcript, "text").decode()
    if transcript.channels is None:
        assert body == json.loads(written(transcript, "json"))["text"] + "\n"
    else:
        lines = body.removesuffix("\n").split("\n") if body else []
        said = [one for one in transcript.segments if one.text.split()]
        assert lines == [f"ch_{one.channel}: {' '.join(one.text.split())}" for one in said]


# OpenAI.


@anything
@given(transcripts())
def test_openais_client_reads_json_and_verbose_json(transcript: Transcript) -> None:
    text = document(transcript, "lca")["text"]
    short = Transcription.model_validate_json(written(transcript, "json"), strict=True)
    assert short.text == text
    long = TranscriptionVerbose.model_validate_json(written(transcript, "verbose_json"))
    assert (long.text, long.language) == (text, transcript.language)
    assert long.duration == milliseconds(transcript.duration) / 1000
    assert long.segments is not None
    for number, (got, one) in enumerate(zip(long.segments, transcript.segments, strict=True)):
        assert (got.id, got.seek, got.text, tuple(got.tokens)) == (
            number,
            one.seek,
            one.text,
            one.tokens,
        )
        assert got.start == milliseconds(one.start) / 1000
        assert got.avg_logprob == one.avg_logprob


@pytest.mark.parametrize(
    ("granularities", "has_words", "has_segments"),
    [
        ((), True, True),
        (("segment",), False, True),
        (("word",), True, False),
        (("word", "segment"), True, True),
    ],
)
def test_granularities(granularities: tuple[str, ...], has_words: bool, has_segments: bool) -> None:
    found = document(ONE_CHANNEL, "verbose_json", timestamp_granularities=granularities)
    assert ("words" in found, "segments" in found) == (has_words, has_segments)


def test_words_of_openai_have_no_blanks() -> None:
    found = document(ONE_CHANNEL, "verbose_json", timestamp_granularities=("word",))
    assert [word["word"] for word in found["words"]][:3] == ["Hello,", "I'm", "Ana."]
    assert document(TWO_CHANNELS, "verbose_json")["words"][1]["channel"] == 1
    assert document(ONE_CHANNEL, "verbose_json", task="translate")["task"] == "translate"


# WhisperX and insanely-fast-whisper.


def test_segments_as_whisperx_lists_them() -> None:
    found = document(TWO_CHANNELS, "segments")
    assert [(one["speaker"], one["text"]) for one in found] == [
        ("SPEAKER_00", "hello"),
        ("SPEAKER_01", "hi there"),
        ("SPEAKER_00", "bye"),
    ]
    assert found[1]["words"][1] == {
        "word": "there",
        "start": 1.5,
        "end": 2.0,
        "score": 0.51,
        "speaker": "SPEAKER_01",
    }
    assert "speaker" not in document(ONE_CHANNEL, "segments")[0]


def test_chunks_are_segments_or_words() -> None:
    whole = document(TWO_CHANNELS, "chunks")
    assert whole["chunks"][1] == {"timestamp": [1.0, 2.0], "text": " hi there", "channel": 1}
    words = document(ONE_CHANNEL, "chunks", timestamp_granularities=("word",))["chunks"]
    assert words[0] == {"timestamp": [0.123, 0.749], "text": " Hello,"}
    assert "".join(chunk["text"] for chunk in words).strip() == whole_text(ONE_CHANNEL)


def whole_text(transcript: Transcript) -> str:
    return str(document(transcript, "lca")["text"])


# Protobuf.


@anything
@given(transcripts())
def test_protobuf_says_what_json_says(transcript: Transcript) -> None:
    from google.protobuf.json_format import MessageToDict

    from whisper_contract.transcription_pb2 import TranscribeResponse

    message = TranscribeResponse.FromString(written(transcript, "protobuf"))
    found = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    wanted = document(transcript, "lca")
    assert found.pop("channels", None) == transcript.channels
    assert found.pop("language_probability") == transcript.language_probability
    assert found.pop("duration") == milliseconds(transcript.duration) / 1000
    assert found.pop("superseded") == wanted.pop("superseded", False)
    assert found.pop("warnings") == wanted.pop("warnings", [])
    for one in wanted["segments"]:
        one.setdefault("words", [])
    assert found == wanted


@anything
@given(transcripts())
def test_protobuf_is_read_back(transcript: Transcript) -> None:
    from whisper_contract.formats import protobuf

    body = written(transcript, "protobuf")
    again = protobuf.read(body)
    for name in ("lca", "segments", "chunks"):
        assert written(_without_empty_words(again), name) == written(
            _without_empty_words(transcript), name
        )
    assert again.language_probability == transcript.language_probability
    assert again.channels == transcript.channels


def _without_empty_words(transcript: Transcript) -> Transcript:
    """Protobuf has no difference between no list and an empty one."""
    segments = tuple(replace(one, words=one.words or None) for one in transcript.segments)
    return replace(transcript, segments=segments)


def test_an_answer_that_does_not_count_its_channels_has_those_of_its_segments() -> None:
    from whisper_contract.formats import protobuf
    from whisper_contract.transcription_pb2 import TranscribeResponse

    message = TranscribeResponse.FromString(written(TWO_CHANNELS, "protobuf"))
    message.ClearField("channels")
    assert protobuf.read(message.SerializeToString()).channels == 2


# Which format.


@pytest.mark.parametrize(
    ("accept", "default", "chosen"),
    [
        ("", "lca", "lca"),
        ("*/*", "lca", "lca"),
        ("*/*", "protobuf", "protobuf"),
        ("application/json", "lca", "lca"),
        ("application/json", "json", "json"),
        ("application/json", "protobuf", "lca"),
        ("application/*", "lca", "lca"),
        ("text/vtt", "lca", "vtt"),
        ("TEXT/VTT; charset=utf-8", "lca", "vtt"),
        ("text/*", "lca", "text"),
        ("application/x-subrip, application/json;q=0.9", "lca", "srt"),
        ("application/json;q=0.2, text/plain;q=0.7", "lca", "text"),
        ("application/json;q=0, */*", "lca", "text"),
        ("application/x-protobuf", "lca", "protobuf"),
        ("text/html, */*;q=0.1", "lca", "lca"),
        ("image/png", "lca", None),
        ("application/json;q=0", "lca", None),
        ("text/vtt;q=high", "lca", "vtt"),
        (" , ", "chunks", "chunks"),
    ],
)
def test_accept(accept: str, default: str, chosen: str | None) -> None:
    assert formats.accepted(accept, default) == chosen


@given(st.text(max_size=60))
def test_no_accept_header_is_too_odd(accept: str) -> None:
    assert formats.accepted(accept, "lca") in {*FORMATS, None}


def test_what_needs_words() -> None:
    assert formats.needs_words(Form(response_format="transcribe"))
    assert formats.needs_words(Form(timestamp_granularities=("word",)))
    assert formats.needs_words(Form(response_format="srt", max_line_width=9, max_line_count=2))
    assert not formats.needs_words(Form(response_format="verbose_json"))
    assert {one.name for one in FORMATS.values() if one.words is Words.ALWAYS} == {"transcribe"}


# The page.


def test_the_page_has_a_row_for_every_form() -> None:
    page = (Path(__file__).parents[2] / "docs" / "answers.md").read_text()
    rows = [
        [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
        for line in page[page.index("| `response_format`") :].partition("\n\n")[0].splitlines()
        if line.startswith("| ")
    ]
    wanted = [
        ["left out" if one.name == "lca" else one.name, one.content_type, one.words.value]
        for one in FORMATS.values()
    ]
    assert [row[:3] for row in rows[1:]] == wanted


def test_the_pages_example_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "answers.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {"answer": written(TWO_CHANNELS, "protobuf")}
    exec(example, names)
    assert names["captions"] == written(TWO_CHANNELS, "vtt")
