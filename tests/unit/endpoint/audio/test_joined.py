# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What stands behind a file, or behind its first samples, is heard too."""

import functools
import struct
from typing import Any

import numpy as np
import pytest

from tests.unit.endpoint.helpers import clip_samples, silence, wav
from tests.unit.endpoint.media import encoded, sounding, tone
from whisper_endpoint.audio import decode as decoding
from whisper_endpoint.audio.containers import open_container
from whisper_endpoint.audio.content import BytesInMemory, FileBytes
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.lengths import beginnings
from whisper_endpoint.audio.lengths.beginnings import is_file

MINUTE = Limits(seconds=60)
KINDS = {
    "wav": ("pcm_s16le", 16_000),
    "mp3": ("libmp3lame", 16_000),
    "flac": ("flac", 16_000),
    "ogg": ("libopus", 48_000),
    "mp4": ("aac", 16_000),
    "matroska": ("libopus", 48_000),
    "aiff": ("pcm_s16be", 16_000),
    "au": ("pcm_s16be", 16_000),
    "caf": ("pcm_alaw", 8_000),
    "w64": ("pcm_s16le", 16_000),
    "flv": ("libmp3lame", 22_050),
    "asf": ("wmav2", 16_000),
    "avi": ("pcm_s16le", 16_000),
}


@functools.cache
def second_of(kind: str) -> bytes:
    codec, rate = KINDS[kind]
    return encoded(tone(1), kind, codec, rate)


# Those without a mark are frames and little else: what stands behind them is taken for damage.
@pytest.mark.parametrize("first", [kind for kind in KINDS if kind != "mp3"])
def test_files_of_two_kinds_put_one_after_another_are_both_heard(first: str) -> None:
    for second in KINDS.keys() - {first}:
        audio = decode(second_of(first) + second_of(second), MINUTE)
        assert audio.duration == pytest.approx(2, abs=0.25), second
        assert audio.warnings == (), second


# How each further kind is made; what stands behind it, or it behind others, is heard.
FURTHER: dict[str, tuple[str, str, int, dict[str, str]]] = {
    "adts": ("adts", "aac", 16_000, {}),
    "latm": ("latm", "aac", 16_000, {}),
    "mpegts": ("mpegts", "aac", 16_000, {}),
    "m2ts": ("mpegts", "mp2", 16_000, {"mpegts_m2ts_mode": "1"}),
    "mpeg": ("mpeg", "mp2", 16_000, {}),
    "mp3 without tags": ("mp3", "libmp3lame", 44_100, {"write_xing": "0", "id3v2_version": "0"}),
    "rf64": ("wav", "pcm_s16le", 16_000, {"rf64": "always"}),
    "ac3": ("ac3", "ac3", 48_000, {}),
    "eac3": ("eac3", "eac3", 48_000, {}),
    "amr": ("amr", "libopencore_amrnb", 8_000, {}),
    "gxf": ("gxf", "pcm_s16le", 48_000, {}),
    "nut": ("nut", "pcm_s16le", 16_000, {}),
    "wtv": ("wtv", "ac3", 48_000, {}),
    "rm": ("rm", "ac3", 48_000, {}),
    "wv": ("wv", "wavpack", 16_000, {}),
    "tta": ("tta", "tta", 16_000, {}),
    "voc": ("voc", "pcm_s16le", 16_000, {}),
    "sox": ("sox", "pcm_s32le", 16_000, {}),
    "ircam": ("ircam", "pcm_s16le", 16_000, {}),
}
# Their own frames look like those of the others.
FRAMES = {"mp3 without tags", "adts", "latm", "ac3", "eac3", "mpegts", "m2ts", "mpeg", "gxf"}


@functools.cache
def further_second(kind: str) -> bytes:
    container, codec, rate, options = FURTHER[kind]
    return encoded(tone(1), container, codec, rate, options=options)


@pytest.mark.parametrize("second", FURTHER)
def test_every_kind_is_heard_behind_others(second: str) -> None:
    for first in ("wav", "flac", "ogg", "mp4", "matroska", "asf", "avi"):
        audio = decode(second_of(first) + further_second(second), MINUTE)
        assert audio.duration == pytest.approx(2, abs=0.4), first
        assert audio.warnings == (), first


@pytest.mark.parametrize("first", FURTHER)
def test_behind_every_kind_others_are_heard(first: str) -> None:
    whole = further_second(first)
    for second in ("flac", "wav", "mp4", "asf"):
        audio = decode(whole + second_of(second), MINUTE)
        assert audio.duration == pytest.approx(2, abs=0.4), second
        assert audio.warnings == (), second


@pytest.mark.parametrize("first", sorted(FRAMES))
def test_frames_behind_frames_of_another_kind_are_heard_or_said(first: str) -> None:
    for second in FRAMES - {first}:
        audio = decode(further_second(first) + further_second(second), MINUTE)
        assert audio.duration == pytest.approx(2, abs=0.5) or audio.warnings, second


def test_a_recording_with_flac_in_it_is_no_flac() -> None:
    audio = decode(second_of("flac") + encoded(tone(1), "matroska", "flac"), MINUTE)
    assert (round(audio.duration, 1), audio.warnings) == (2.0, ())


@pytest.mark.parametrize("rate", [3, 3_000_000, 16_000])
def test_a_further_file_that_is_refused_takes_nothing_from_the_first(rate: int) -> None:
    channels = 1 if rate != 16_000 else 9
    other = wav(np.zeros((400, channels), np.int16), rate, channels=channels)
    sun = b".snd" + struct.pack(">IIIII", 24, 4_000, 3, rate, channels) + b"ab" * 2_000
    for behind in (other, sun):
        audio = decode(second_of("flac") + behind, MINUTE)
        assert audio.duration == pytest.approx(1, abs=0.01)
        assert len(audio.warnings) == 1


@pytest.mark.parametrize("mark", [b"RIFF", b"wvpk", b"fLaC", b"ID3\3\0\0\0\0\0\0"])
def test_marks_of_nothing_behind_a_file_cost_little(
    mark: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def looks(data: FileBytes, at: int) -> bool:
        looked.append(at)
        return is_file(data, at)

    monkeypatch.setattr(beginnings, "is_file", looks)
    audio = decode(second_of("flac") + mark * 20_000, MINUTE)
    assert audio.duration == pytest.approx(1, abs=0.01)
    assert len(looked) < 700


def test_what_is_said_of_a_thousand_broken_files_is_said_once() -> None:
    audio = decode(second_of("flac") + b"fLaC\0\0\0\x22" * 900, MINUTE)
    assert audio.warnings == ("What follows 1.0 s could not be decoded.",)


def test_more_samples_than_a_sender_knew_of_are_no_file() -> None:
    """It is told from them by more than its first bytes."""
    loud = np.random.default_rng(1).integers(-32768, 32768, 16_000).astype("<i2")
    for mark in (b"\xff\xfb\x90\x64", b"ID3\x04\0\0", b"OggS\0\0", b"G" * 4, b"RIFF1234"):
        assert not is_file(BytesInMemory(mark + loud.tobytes()), 0)
    for mark in (b"\xff\xfb\x90\x64", b"ID3\x04"):
        streamed = bytearray(wav(tone(1)) + mark + loud.tobytes())
        streamed[40:44] = struct.pack("<I", 32_000)
        assert decode(bytes(streamed), MINUTE).duration == pytest.approx(2, abs=0.01)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_every_chunk_of_samples_is_heard(rate: int) -> None:
    more, title = chunk(b"data", tone(1, rate=rate).tobytes()), chunk(b"LIST", b"INFOICMT")
    whole = wav(silence(0.5), rate) + title + more + chunk(b"data", bytes(rate)) + more
    audio = decode(whole, MINUTE)
    begin = 0.5 * 16_000 / rate
    heard = [(begin, begin + 1), (begin + 1.5, begin + 2.5)]
    assert [edge for one in sounding(audio.samples) for edge in one] == pytest.approx(
        [edge for one in heard for edge in one], abs=0.11
    )
    assert audio.warnings == ()
    (warning,) = decode(whole[:-rate], MINUTE).warnings
    assert warning == "The recording is 0.5 s shorter than the file should be."


def test_a_chunk_that_ends_within_a_sample_moves_no_other() -> None:
    first = wav(clip_samples()[:1_000])
    odd = first[:40] + struct.pack("<I", 2_001) + first[44:] + b"\x7f\0"
    audio = decode(odd + chunk(b"data", clip_samples()[1_000:].tobytes()), MINUTE)
    assert np.array_equal(audio.samples * 32768, clip_samples())


@pytest.mark.parametrize("count", [999, 1_001, 5_000])
def test_chunks_of_samples_are_all_heard_however_many(count: int) -> None:
    samples = np.resize(tone(1), 6 * count)
    pieces = b"".join(chunk(b"data", piece.tobytes()) for piece in np.split(samples, count))
    audio = decode(wav(silence(0))[:36] + pieces, MINUTE)
    assert np.array_equal(audio.samples * 32768, samples)
    assert audio.warnings == ()


@pytest.mark.parametrize(
    "mark", [b"\xff\xf1\x50\x80", b"\x0b\x77", b"ID3\4\0\0\0\0\0\0", b"Gx" + bytes(186) + b"G"]
)
def test_frames_are_parsed_at_few_of_the_places_where_they_may_begin(
    mark: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []

    def parses(data: bytes) -> bool:
        parsed.append(len(data))
        return False

    monkeypatch.setattr(beginnings, "is_frames", parses)
    for first in ("flac", "ogg", "mp4", "aiff"):
        parsed.clear()
        audio = decode(second_of(first) + mark * 100_000, MINUTE)
        assert len(audio.warnings) == 1
        assert sum(parsed) < 1_000 * beginnings.FRAMES_BYTES


def test_a_thousand_files_are_heard_and_more_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    def opens(*given: Any, **named: Any) -> Any:
        opened.append(1)
        return open_container(*given, **named)

    monkeypatch.setattr(decoding, "open_container", opens)
    both = encoded(tone(0.1), "au", "pcm_mulaw", 8_000) + encoded(tone(0.1), "flac", "flac")
    (warning,) = decode(600 * both, Limits(seconds=600)).warnings
    assert warning.endswith("was left out: the audio has more than 1,000 files.")
    assert len(opened) <= 1_000
