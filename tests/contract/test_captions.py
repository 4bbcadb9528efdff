# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SubRip and WebVTT, read back by parsers that are not ours."""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.rendering import anything, milliseconds, shown, written
from tests.contract.transcripts import ONE_CHANNEL, TWO_CHANNELS, segment, transcripts
from whisper_contract.text import pieces
from whisper_contract.transcript import Segment, Transcript, Word, readable


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


@pytest.mark.parametrize("is_timed", [True, False])
def test_a_word_longer_than_a_line_is_broken_after_hyphens(*, is_timed: bool) -> None:
    said = " It's| J|-O|-H|-N|-S|-M|-I|-T|-H,| high|-end"
    one = segment(0, 12, said.replace("|", ""), said if is_timed else "")
    body = written(Transcript("en", (one,)), "srt", max_line_width=9, max_line_count=2).decode()
    lines = ["It's J-O-", "H-N-S-M-", "I-T-H,", "high-end"]
    first, *rest = srt.parse(body)
    if is_timed:
        assert [one.content.split("\n") for one in (first, *rest)] == [lines[:2], lines[2:]]
        assert rest[0].start == timedelta(seconds=7.5)  # within "-I"
    else:
        assert first.content.split("\n") == lines


def test_a_caption_of_too_many_lines_becomes_several_with_times_of_their_words() -> None:
    body = written(Transcript("en", (SENTENCE,)), "vtt", max_line_width=8, max_line_count=1)
    found = [(one.start, one.end, one.text) for one in webvtt.from_string(body.decode()).captions]
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
    found = [
        (one.start_in_seconds, one.voice, one.text) for one in webvtt.from_string(body).captions
    ]
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
    """What a line may be longer for: what no line is broken in, of the words or of the text."""
    words = {shown(w.word) for one in transcript.segments for w in readable(one.words or ())}
    said = ("".join(word.word for word in one.words or ()) for one in transcript.segments)
    texts = (shown(text) for text in (*said, *(one.text for one in transcript.segments)))
    whole = {shown(piece) for one in transcript.segments for piece in solid_pieces(one)}
    found = words | whole | {piece.strip() for text in texts for piece in pieces(text)}
    return found | {part for piece in found for part in re.split(r"(?<=\w-)(?=\w)", piece)}


def solid_pieces(one: Segment) -> Iterator[str]:
    """A word's own blanks are no ends of lines, nor where another is joined to it."""
    words = [re.sub("[\x00-\x1f\x7f-\x9f]", " ", word.word) for word in one.words or ()]
    said, end = "".join(words), 0
    for piece in pieces("".join(map(glued, words))):
        begin, end = end, end + len(piece)
        yield said[begin:end]


def glued(word: str) -> str:
    """Join what a word has on both sides of its blanks; it stays as long as it is."""
    return re.sub(r"(?<=\S)\s+(?=\S)", lambda blanks: "\u200d" * len(blanks[0]), word)


def test_a_word_with_a_blank_stays_whole_where_another_is_joined_to_it() -> None:
    one = segment(0, 2, "\u0e0000 0", "\u0e000|0 0")
    body = written(Transcript("", (one,)), "srt", max_line_width=1, max_line_count=1).decode()
    assert [caption.content for caption in srt.parse(body)] == ["\u0e00", "00 0"]
    assert "00 0" in unbreakable(Transcript("", (one,)))


def test_a_word_that_joins_is_no_blank() -> None:
    one = segment(0, 2, "\u200d0 0 0", "\u200d|0 0\x1b|0")
    body = written(Transcript("", (one,)), "srt", max_line_width=1, max_line_count=1)
    assert [caption.content for caption in srt.parse(body.decode())] == ["\u200d0 0", "0"]
    assert "\u200d0 0" in unbreakable(Transcript("", (one,)))


CHINESE = "今天下午三点我们在会议室见面。请带上合同、发票（两份）和身份证。"  # noqa: RUF001
JAPANESE = "お電話ありがとうございます。ちょっとお待ちください、担当者におつなぎします。"
THAI = "สวัสดีครับ กรุณารอสักครู่ เจ้าหน้าที่กำลังตรวจสอบข้อมูลของท่าน"


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI])
@pytest.mark.parametrize("is_timed", [True, False])
def test_lines_without_blanks_are_broken_by_the_width(text: str, *, is_timed: bool) -> None:
    one = segment(0, len(text), text)
    if is_timed:
        # Three characters each, as a tokenizer that knows no words may cut them.
        parts = [text[begin : begin + 3] for begin in range(0, len(text), 3)]
        words = tuple(
            Word(3 * n, min(3 * n + 3, len(text)), part, 0.5) for n, part in enumerate(parts)
        )
        one = replace(one, words=words)
    body = written(Transcript("zh", (one,)), "srt", max_line_width=10, max_line_count=1)
    found = list(srt.parse(body.decode()))
    lines = [line for caption in found for line in caption.content.split("\n")]
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(3 < len(line) <= 10 for line in lines[:-1])
    for line in lines:
        assert unicodedata.category(line[0])[0] != "M"
        assert line[0] not in "。、，）ょっา"  # noqa: RUF001
        assert line[-1] not in "（เแโใไ"  # noqa: RUF001
    assert len(found) == (len(lines) if is_timed else 1)
    place = 0
    for caption, line in zip(found, lines, strict=False):
        place = text.index(line, place)
        if is_timed:
            assert caption.start.total_seconds() == pytest.approx(place, abs=1)
        place += len(line)


def test_a_line_ends_with_a_sentence_where_one_ends_in_its_second_half() -> None:
    english = segment(0, 9, " I see. Thank you. One moment, please wait.")
    chinese = segment(0, 9, "好的谢谢。请稍等，我们马上回来。")  # noqa: RUF001
    for one, width, wanted in (
        (english, 20, ["I see. Thank you.", "One moment,", "please wait."]),
        (chinese, 8, ["好的谢谢。", "请稍等，", "我们马上回来。"]),  # noqa: RUF001
    ):
        body = written(Transcript("en", (one,)), "srt", max_line_width=width)
        (caption,) = srt.parse(body.decode())
        assert caption.content.split("\n") == wanted
