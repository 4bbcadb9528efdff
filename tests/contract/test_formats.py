# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Every format, read back by a parser that is not ours."""

import html
import json
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import srt
import webvtt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.audio import Transcription, TranscriptionVerbose

import whisper_contract
from tests.contract.transcripts import ONE_CHANNEL, TWO_CHANNELS, segment, transcripts
from whisper_contract import formats
from whisper_contract.amazon_items import items
from whisper_contract.formats import FORMATS, Form, Words
from whisper_contract.transcript import Segment, Transcript, Word

# How long drawing a transcript takes says nothing of it.
anything = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = [name for name, one in FORMATS.items() if one.media_type == "application/json"]


def written(transcript: Transcript, response_format: str, **how: Any) -> bytes:
    return formats.render(transcript, Form(response_format=response_format, **how))


def document(transcript: Transcript, response_format: str, **how: Any) -> Any:
    found = json.loads(written(transcript, response_format, **how))
    jsonschema.validate(found, schema_of(response_format))
    return found


def schema_of(response_format: str) -> dict[str, Any]:
    if response_format == "lca":
        return whisper_contract.response_schema()
    return whisper_contract.answer_schema(response_format)


def milliseconds(time: float) -> int:
    return round(time * 1000)


def shown(text: str) -> str:
    """Text as a caption should show it, said in another way than the renderer's."""
    visible = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return re.sub(r"-[- ]+>", "->", re.sub(r"\s+", " ", visible).strip())


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
    # Live Call Analytics drops a text beside which there is one.
    assert "no_speech_prob" not in found


# SubRip and WebVTT.


def captions_of(transcript: Transcript) -> list[Segment]:
    return [one for one in transcript.segments if shown(one.text)]


@anything
@given(transcripts())
def test_srt_is_read_back(transcript: Transcript) -> None:
    found = list(srt.parse(written(transcript, "srt").decode()))
    wanted = captions_of(transcript)
    assert [one.index for one in found] == list(range(1, len(wanted) + 1))
    for caption, one in zip(found, wanted, strict=True):
        assert caption.start == timedelta(milliseconds=milliseconds(one.start))
        end = max(milliseconds(one.end), milliseconds(one.start) + 1)
        assert caption.end == timedelta(milliseconds=end)
        label = "" if one.channel is None else f"ch_{one.channel}: "
        assert caption.content == label + shown(one.text)


@anything
@given(transcripts())
def test_vtt_is_read_back(transcript: Transcript) -> None:
    body = written(transcript, "vtt").decode()
    assert body.startswith("WEBVTT\n\n") or body == "WEBVTT\n"
    found = webvtt.from_string(body, strict=True).captions
    wanted = captions_of(transcript)
    assert len(found) == len(wanted)
    for caption, one in zip(found, wanted, strict=True):
        assert milliseconds(caption.start_in_seconds) // 1000 == milliseconds(one.start) // 1000
        assert caption.start[-4:] == f".{milliseconds(one.start) % 1000:03d}"
        assert caption.end > caption.start or len(caption.end) > len(caption.start)
        assert html.unescape(caption.text) == shown(one.text)
        assert caption.voice == (None if one.channel is None else f"ch_{one.channel}")


@pytest.mark.parametrize(
    ("seconds", "time"),
    [
        (0.0, "00:00:00,000"),
        (59.9996, "00:01:00,000"),
        (3599.9999, "01:00:00,000"),
        (1.9994, "00:00:01,999"),
        (360_000.5, "100:00:00,500"),
    ],
)
def test_milliseconds_are_rounded_before_they_are_split(seconds: float, time: str) -> None:
    body = written(Transcript("en", (segment(seconds, seconds + 1, " x"),)), "srt")
    assert body.decode().splitlines()[1].startswith(f"{time} --> ")


def test_captions_to_the_letter() -> None:
    assert written(TWO_CHANNELS, "srt").decode() == (
        "1\n00:00:00,500 --> 00:00:01,500\nch_0: hello\n\n"
        "2\n00:00:01,000 --> 00:00:02,000\nch_1: hi there\n\n"
        "3\n00:00:02,500 --> 00:00:03,000\nch_0: bye\n"
    )
    assert written(ONE_CHANNEL, "vtt").decode() == (
        "WEBVTT\n\n00:00:00.123 --> 00:00:02.000\nHello, I'm Ana.\n\n"
        '01:01:01.000 --> 01:01:02.500\nShe said "no"?\n'
    )
    assert written(Transcript("", ()), "srt") == b""


def test_no_tag_comes_from_what_was_said() -> None:
    body = written(Transcript("en", (segment(0, 1, " <b>R&D</b> --> <v x>"),)), "vtt").decode()
    assert body.splitlines()[3] == "&lt;b&gt;R&amp;D&lt;/b&gt; -&gt; &lt;v x&gt;"


SENTENCE = segment(10, 14, " one two three four", " one| two| three| four")


def test_a_long_line_is_broken() -> None:
    (caption,) = srt.parse(written(Transcript("en", (SENTENCE,)), "srt", max_line_width=8).decode())
    assert caption.content == "one two\nthree\nfour"


def test_a_caption_of_too_many_lines_becomes_several_with_times_of_their_words() -> None:
    body = written(Transcript("en", (SENTENCE,)), "vtt", max_line_width=8, max_line_count=1)
    found = [(one.start, one.end, one.text) for one in webvtt.from_string(body.decode())]
    assert found == [
        ("00:00:10.000", "00:00:12.000", "one two"),
        ("00:00:12.000", "00:00:13.000", "three"),
        ("00:00:13.000", "00:00:14.000", "four"),
    ]


def test_broken_captions_of_two_channels_are_in_order_of_time() -> None:
    left = replace(SENTENCE, channel=0)
    right = segment(11, 12, " yes", " yes", channel=1)
    both = Transcript("en", (left, right), channels=2)
    body = written(both, "vtt", max_line_width=8, max_line_count=1).decode()
    found = [(one.start_in_seconds, one.voice, one.text) for one in webvtt.from_string(body)]
    assert found == [
        (10, "ch_0", "one two"),
        (11, "ch_1", "yes"),
        (12, "ch_0", "three"),
        (13, "ch_0", "four"),
    ]


def test_words_without_times_stay_in_one_caption() -> None:
    untimed = replace(SENTENCE, words=None)
    body = written(Transcript("en", (untimed,)), "srt", max_line_width=8, max_line_count=1)
    (caption,) = srt.parse(body.decode())
    assert caption.content == "one two\nthree\nfour"


@anything
@given(transcripts(), st.integers(1, 40), st.integers(1, 3))
def test_broken_captions_say_the_same_words(transcript: Transcript, width: int, count: int) -> None:
    body = written(transcript, "srt", max_line_width=width, max_line_count=count).decode()
    found = list(srt.parse(body))
    said = " ".join(re.sub(r"^ch_\d: ", "", one.content) for one in found)
    wanted = " ".join(shown(one.text) for one in captions_of(transcript))
    # Where a line breaks, an arrow may, too; captions of two channels may change places.
    assert Counter(re.sub(r"[\s-]", "", said)) == Counter(re.sub(r"[\s-]", "", wanted))
    assert [one.start for one in found] == sorted(one.start for one in found)
    for caption in found:
        assert caption.end > caption.start
        for line in re.sub(r"^ch_\d: ", "", caption.content).split("\n"):
            assert len(line) <= width or line in unbreakable(transcript)


def unbreakable(transcript: Transcript) -> set[str]:
    """What a line may be longer for: one word, of the model or between blanks."""
    of_model = (word.word for one in transcript.segments for word in one.words or ())
    between = (text for one in transcript.segments for text in shown(one.text).split())
    return {shown(text) for text in (*of_model, *between)}


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


# Amazon Transcribe.


def said(items: list[dict[str, Any]]) -> str:
    """The text of items as Amazon joins them: a blank before a word."""
    parts = [
        (" " if one["type"] == "pronunciation" else "") + one["alternatives"][0]["content"]
        for one in items
    ]
    return "".join(parts).strip()


def test_amazon_transcribe_to_the_letter() -> None:
    found = document(ONE_CHANNEL, "transcribe", job_name="call-1", account_id="111122223333")
    assert (found["jobName"], found["accountId"], found["status"]) == (
        "call-1",
        "111122223333",
        "COMPLETED",
    )
    results = found["results"]
    assert "channel_labels" not in results
    assert results["items"][:3] == [
        {
            "id": 0,
            "type": "pronunciation",
            "alternatives": [{"confidence": "0.5", "content": "Hello"}],
            "start_time": "0.123",
            "end_time": "0.749",
        },
        {
            "id": 1,
            "type": "punctuation",
            "alternatives": [{"confidence": "0.0", "content": ","}],
        },
        {
            "id": 2,
            "type": "pronunciation",
            "alternatives": [{"confidence": "0.51", "content": "I'm"}],
            "start_time": "0.749",
            "end_time": "1.374",
        },
    ]
    assert said(results["items"][:5]) == "Hello, I'm Ana."
    contents = [one["alternatives"][0]["content"] for one in results["items"][5:]]
    assert contents == ["She", "said", '"', "no", '"?']
    assert results["audio_segments"][1] == {
        "id": 1,
        "transcript": 'She said "no"?',
        "start_time": "3661.0",
        "end_time": "3662.5",
        "items": [5, 6, 7, 8, 9],
    }


def test_channels_in_amazons_form() -> None:
    results = document(TWO_CHANNELS, "transcribe")["results"]
    labels = results["channel_labels"]
    assert labels["number_of_channels"] == 2
    assert [(one["channel_label"], said(one["items"])) for one in labels["channels"]] == [
        ("ch_0", "hello bye"),
        ("ch_1", "hi there"),
    ]
    assert [one["channel_label"] for one in results["items"]] == ["ch_0", "ch_1", "ch_1", "ch_0"]
    assert results["transcripts"] == [{"transcript": "hello hi there bye"}]


def test_a_silent_channel_is_a_channel() -> None:
    quiet = Transcript("en", TWO_CHANNELS.segments[:1], channels=2)
    labels = document(quiet, "transcribe")["results"]["channel_labels"]
    assert labels["channels"][1] == {"channel_label": "ch_1", "items": []}


def test_a_segment_without_words_is_one_item_with_its_own_times() -> None:
    bare = Transcript("en", (segment(1, 2, " hello, you."),))
    (item,) = document(bare, "transcribe")["results"]["items"]
    assert item["alternatives"] == [{"confidence": "0.779", "content": "hello, you."}]
    assert (item["start_time"], item["end_time"]) == ("1.0", "2.0")


@anything
@given(transcripts())
def test_amazons_items_say_every_word_once(transcript: Transcript) -> None:
    results = document(transcript, "transcribe")["results"]
    items = results["items"]
    assert [one["id"] for one in items] == list(range(len(items)))
    assert [n for one in results["audio_segments"] for n in one["items"]] == list(range(len(items)))
    for stretch, one in zip(results["audio_segments"], transcript.segments, strict=True):
        mine = [items[n]["alternatives"][0]["content"] for n in stretch["items"]]
        words = [word.word.strip() for word in one.words] if one.words else [one.text.strip()]
        assert "".join(mine) == "".join(words)
    if "channel_labels" in results:
        channels = results["channel_labels"]["channels"]
        listed = [item for one in channels for item in one["items"]]
        assert sorted(listed, key=lambda item: item["id"]) == items


def test_the_words_in_amazons_form_say_what_the_items_of_a_word_are() -> None:
    spoken = ' ¿Cómo?| well…| "Yes,"| (no)| $5.50,| 今日は。| don\'t'
    transcript = Transcript("en", (segment(0, 7, spoken.replace("|", ""), spoken),))
    found = document(transcript, "transcribe")["results"]["items"]
    assert [(one["type"], one["alternatives"][0]["content"]) for one in found] == [
        item for word in spoken.split("|") for item in items(word)
    ]


def times(item: dict[str, Any]) -> tuple[int, int]:
    return milliseconds(float(item["start_time"])), milliseconds(float(item["end_time"]))


@anything
@given(transcripts())
def test_no_two_words_of_a_channel_have_the_same_times(transcript: Transcript) -> None:
    results = document(transcript, "transcribe")["results"]
    words = [one for one in results["items"] if one["type"] == "pronunciation"]
    named = [(one.get("channel_label"), times(one)) for one in words]
    assert len(set(named)) == len(named)


def test_words_at_one_time_are_told_apart_by_a_millisecond_in_their_order() -> None:
    at = [(1.0, 1.0), (1.0, 1.0), (1.0004, 1.0), (1.0, 1.001), (1.0, 1.5), (1.0, 1.5), (2.0, 2.0)]
    words = tuple(Word(start, end, f" w{n},", 0.5) for n, (start, end) in enumerate(at))
    both = (replace(segment(1, 3, " w"), words=words, channel=n) for n in (0, 1))
    results = document(Transcript("en", tuple(both), channels=2), "transcribe")["results"]
    for channel in results["channel_labels"]["channels"]:
        found = [times(one) for one in channel["items"] if one["type"] == "pronunciation"]
        assert found == [
            *((1000, 1000), (1000, 1001), (1000, 1002), (1000, 1003)),
            *((1000, 1500), (1000, 1501), (2000, 2000)),
        ]


@anything
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=30))
def test_words_in_order_of_time_stay_in_it(steps: list[tuple[int, int]]) -> None:
    words, start, end = [], 0, 0
    for step, length in steps:
        start += step * (step > 1)
        end = max(end, start + length)
        words.append(Word(start / 1000, end / 1000, " w", 0.5))
    one = replace(segment(0, 1, " w"), words=tuple(words))
    found = document(Transcript("en", (one,)), "transcribe")["results"]["items"]
    given_times = [times(item) for item in found if "start_time" in item][: len(words)]
    assert given_times == sorted(set(given_times))
    for (first, last), word in zip(given_times, words, strict=False):
        assert first == milliseconds(word.start)
        assert milliseconds(word.end) <= last <= milliseconds(word.end) + len(words)


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
    assert found.pop("language_probability") == transcript.language_probability
    assert found.pop("duration") == milliseconds(transcript.duration) / 1000
    assert found.pop("superseded") == wanted.pop("superseded", False)
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


def _without_empty_words(transcript: Transcript) -> Transcript:
    """Protobuf has no difference between no list and an empty one, nor a count of channels."""
    segments = tuple(replace(one, words=one.words or None) for one in transcript.segments)
    has_channels = any(one.channel is not None for one in segments)
    channels = transcript.channels if has_channels else None
    return replace(transcript, segments=segments, channels=channels)


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
