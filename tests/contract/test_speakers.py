# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Every form of a transcript whose voices were told apart."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.audio import TranscriptionDiarized

from tests.contract.rendering import JSON, anything, document, written
from tests.contract.transcripts import ONE_CHANNEL, TWO_CHANNELS, segment, transcripts
from whisper_contract.formats import protobuf
from whisper_contract.transcript import Segment, Transcript


def by(speaker: int, one: Segment) -> Segment:
    words = one.words and tuple(replace(word, speaker=speaker) for word in one.words)
    return replace(one, speaker=speaker, words=words)


CALL = Transcript(
    "en",
    (
        by(0, segment(0.5, 1.5, " Hello, Ana.", " Hello,| Ana.", id=1)),
        by(1, segment(1.5, 2.0, " Hi.", " Hi.", id=2)),
        by(1, segment(2.5, 3.0, " Who is it?", " Who| is| it?", id=3)),
        by(0, segment(3.0, 4.0, " Me.", " Me.", id=4)),
    ),
    duration=4.5,
    speakers=2,
)


@st.composite
def conversations(draw: st.DrawFn) -> Transcript:
    said = draw(transcripts())
    segments = tuple(by(draw(st.integers(0, 29)), one) for one in said.segments)
    return replace(said, segments=segments, speakers=len({one.speaker for one in segments}))


@pytest.mark.parametrize("name", JSON)
@anything
@given(conversations())
def test_every_json_follows_its_schema(name: str, transcript: Transcript) -> None:
    document(transcript, name)


def test_own_form_and_openais_long_one_name_the_speaker_of_segments_and_words() -> None:
    for name in ("lca", "verbose_json"):
        found = document(CALL, name)
        assert [one["speaker"] for one in found["segments"]] == [
            "SPEAKER_00",
            "SPEAKER_01",
            "SPEAKER_01",
            "SPEAKER_00",
        ]
    assert document(CALL, "lca")["segments"][1]["words"][0]["speaker"] == "SPEAKER_01"
    assert document(CALL, "verbose_json")["words"][2]["speaker"] == "SPEAKER_01"
    assert "speaker" not in document(ONE_CHANNEL, "lca")["segments"][0]


def test_whisperx_names_speakers_and_not_channels() -> None:
    first, second, third = TWO_CHANNELS.segments
    found = document(replace(TWO_CHANNELS, segments=(first, by(2, second), third)), "segments")
    assert [one["speaker"] for one in found] == ["SPEAKER_00", "SPEAKER_02", "SPEAKER_00"]
    assert found[1]["words"][0]["speaker"] == "SPEAKER_02"


def test_amazons_labels() -> None:
    results = document(CALL, "transcribe")["results"]
    labels = results["speaker_labels"]
    assert (labels["speakers"], labels["channel_label"]) == (2, "ch_0")
    assert [one["speaker_label"] for one in labels["segments"]] == [
        "spk_0",
        "spk_1",
        "spk_1",
        "spk_0",
    ]
    assert labels["segments"][0]["items"][1] == {
        "start_time": "1.0",
        "end_time": "1.5",
        "speaker_label": "spk_0",
    }
    # Amazon gives punctuation its speaker too.
    assert [one["speaker_label"] for one in results["items"]][:6] == ["spk_0"] * 4 + ["spk_1"] * 2
    assert results["audio_segments"][1]["speaker_label"] == "spk_1"
    assert "speaker_labels" not in document(ONE_CHANNEL, "transcribe")["results"]


@anything
@given(conversations())
def test_amazons_labels_have_each_word_once(transcript: Transcript) -> None:
    results = document(transcript, "transcribe")["results"]
    names = ("start_time", "end_time", "speaker_label")
    words = [
        {name: item[name] for name in names} for item in results["items"] if "start_time" in item
    ]
    labels = results["speaker_labels"]
    assert [one for stretch in labels["segments"] for one in stretch["items"]] == words


def test_insanely_fast_whispers_turns() -> None:
    found = document(CALL, "chunks")
    assert [(one["speaker"], one["text"]) for one in found["speakers"]] == [
        ("SPEAKER_00", "Hello, Ana."),
        ("SPEAKER_01", "Hi. Who is it?"),
        ("SPEAKER_00", "Me."),
    ]
    assert found["speakers"][1]["timestamp"] == [1.5, 3.0]
    assert len(found["chunks"]) == 4
    assert document(replace(CALL, segments=(), speakers=0), "chunks")["speakers"] == []
    assert "speakers" not in document(ONE_CHANNEL, "chunks")


def test_captions_and_text_begin_with_who_speaks() -> None:
    assert b"\nSPEAKER_01: Hi.\n" in written(CALL, "srt")
    assert b"\n<v SPEAKER_01>Hi.\n" in written(CALL, "vtt")
    assert written(CALL, "text").decode().splitlines()[1] == "SPEAKER_01: Hi."
    first, second, third = TWO_CHANNELS.segments
    both = replace(TWO_CHANNELS, segments=(first, by(2, second), third))
    assert written(both, "text").decode().splitlines()[1] == "SPEAKER_02: hi there"


def test_openais_client_reads_diarized_json() -> None:
    found = TranscriptionDiarized.model_validate_json(written(CALL, "diarized_json"))
    assert (found.duration, found.task) == (4.5, "transcribe")
    assert [(one.id, one.speaker, one.text) for one in found.segments] == [
        ("seg_001", "A", "Hello, Ana."),
        ("seg_002", "B", "Hi."),
        ("seg_003", "B", "Who is it?"),
        ("seg_004", "A", "Me."),
    ]
    far = replace(CALL, segments=(by(27, CALL.segments[0]),))
    assert document(far, "diarized_json")["segments"][0]["speaker"] == "AB"


def test_who_is_known_has_their_name() -> None:
    def known(one: Segment) -> Segment:
        name = "B" if one.speaker == 1 else None
        words = one.words and tuple(replace(word, speaker_name=name) for word in one.words)
        return replace(one, speaker_name=name, words=words)

    call = replace(CALL, segments=tuple(known(one) for one in CALL.segments))
    for name in ("lca", "verbose_json"):
        assert [one["speaker"] for one in document(call, name)["segments"]][:2] == [
            "SPEAKER_00",
            "B",
        ]
    assert document(call, "verbose_json")["words"][2]["speaker"] == "B"
    assert document(call, "chunks")["speakers"][1]["speaker"] == "B"
    assert b"\nB: Hi.\n" in written(call, "srt")
    assert b"\n<v B>Hi.\n" in written(call, "vtt")
    other = by(2, CALL.segments[3])
    three = replace(call, segments=(*call.segments[:3], other), speakers=3)
    found = document(three, "diarized_json")["segments"]
    assert [one["speaker"] for one in found] == ["A", "B", "B", "C"]
    again = protobuf.read(written(call, "protobuf")).segments
    assert [one.speaker_name for one in again] == [None, "B", "B", None]
    assert [(one.words or ())[0].speaker_name for one in again] == [None, "B", "B", None]


@pytest.mark.parametrize("name", ["A", "A\u200b", "\uff21", "A\u3164 "])
def test_nobody_has_a_label_that_looks_like_a_name(name: str) -> None:
    call = replace(CALL, segments=(CALL.segments[0], replace(CALL.segments[1], speaker_name=name)))
    found = document(call, "diarized_json")["segments"]
    assert [one["speaker"] for one in found] == ["B", name]


@anything
@given(conversations())
def test_protobuf_is_read_back(transcript: Transcript) -> None:
    again = protobuf.read(written(transcript, "protobuf"))
    assert (again.speakers, again.channels) == (transcript.speakers, transcript.channels)
    assert [one.speaker for one in again.segments] == [one.speaker for one in transcript.segments]
    assert [[word.speaker for word in one.words or ()] for one in again.segments] == [
        [word.speaker for word in one.words or ()] for one in transcript.segments
    ]
