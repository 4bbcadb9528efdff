# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A file that was cut off is said to be shorter than it says; a whole one is not."""

import functools
import struct

import pytest

from tests.unit.endpoint.media import encoded, tone
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.errors import AudioNotDecodable

LIMITS = Limits(seconds=3600)
CUT = "The file was cut off or never finished: what follows {:.1f} s is not in it."
KINDS = (
    ("mp3", "libmp3lame", 16_000),
    ("mp3", "libmp3lame", 44_100),
    ("flv", "libmp3lame", 22_050),
    ("flv", "aac", 16_000),
    ("avi", "pcm_s16le", 16_000),
    ("avi", "libmp3lame", 16_000),
    ("asf", "wmav2", 16_000),
    ("w64", "pcm_s16le", 16_000),
    ("w64", "adpcm_ms", 16_000),
    ("wav", "pcm_mulaw", 8_000),
    ("wav", "g726", 8_000),
    ("aiff", "pcm_s16be", 16_000),
    ("au", "pcm_s16be", 16_000),
    ("caf", "pcm_alaw", 8_000),
    ("wv", "wavpack", 16_000),
    ("rm", "ac3", 32_000),
    ("flac", "flac", 16_000),
    ("matroska", "flac", 16_000),
    ("sox", "pcm_s32le", 16_000),
)
# These say nothing of their length, but how each of their packets, frames or pages ends.
OTHERS = (
    ("voc", "pcm_u8", 16_000),
    ("ogg", "libopus", 48_000),
    ("ogg", "flac", 16_000),
    ("adts", "aac", 16_000),
    ("latm", "aac", 16_000),
    ("mp2", "mp2", 16_000),
    ("ac3", "ac3", 48_000),
    ("eac3", "eac3", 48_000),
    ("amr", "libopencore_amrnb", 8_000),
    ("mpegts", "aac", 16_000),
    ("mpegts", "mp2", 16_000),
    ("mpeg", "mp2", 16_000),
)
# So do these, but their clocks begin anew where another file follows.
ONE_BY_ONE = (("nut", "aac", 16_000), ("nut", "pcm_s16le", 16_000))


@functools.cache
def four_seconds(container: str, codec: str, rate: int) -> bytes:
    return encoded(tone(4), container, codec, rate)


@pytest.mark.parametrize(("container", "codec", "rate"), KINDS)
def test_what_was_cut_off_is_said(container: str, codec: str, rate: int) -> None:
    whole = four_seconds(container, codec, rate)
    audio = decode(whole[: len(whole) // 2], LIMITS)
    (warning,) = audio.warnings
    assert warning == f"The recording is {warning.split()[3]} s shorter than the file should be."
    assert audio.duration + float(warning.split()[3]) == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("bytes_per_second", [0, 1, 100_000])
@pytest.mark.parametrize(("codec", "rate"), [("pcm_mulaw", 8_000), ("g722", 16_000)])
def test_a_wrong_number_of_bytes_per_second_is_not_believed(
    codec: str, rate: int, bytes_per_second: int
) -> None:
    data = four_seconds("wav", codec, rate)
    at = data.index(b"fmt ") + 16
    data = data[:at] + struct.pack("<I", bytes_per_second) + data[at + 4 :]
    assert decode(data, LIMITS).warnings == ()
    (warning,) = decode(data[: len(data) // 2], LIMITS).warnings
    assert warning == "The recording is 2.0 s shorter than the file should be."


def edited(codec: str, milliseconds: int, media_time: int) -> bytes:
    """Return 4 s in an MP4 file whose edit list has one edit: its length and where it starts."""
    data = encoded(tone(4), "mp4", codec)
    at = data.index(b"elst") + 12
    return data[:at] + struct.pack(">Ii", milliseconds, media_time) + data[at + 8 :]


@pytest.mark.parametrize("media_time", [0, 1024, -1])
def test_an_edit_without_length_is_not_believed(media_time: int) -> None:
    audio = decode(edited("aac", 0, media_time), LIMITS)
    assert audio.duration == pytest.approx(4, abs=0.15)
    assert audio.warnings == ()


@pytest.mark.parametrize("codec", ["aac", "libmp3lame"])
def test_what_an_edit_list_leaves_out_is_said(codec: str) -> None:
    audio = decode(edited(codec, 1_000, 16_000), LIMITS)
    assert audio.duration == pytest.approx(1, abs=0.15)
    (warning,) = audio.warnings
    assert warning.endswith("s of the audio are left out by the file's edit list.")
    assert float(warning.split()[0]) == pytest.approx(3, abs=0.3)
    whole = edited(codec, 4_000, 1024)
    assert decode(whole, LIMITS).warnings == ()


@pytest.mark.parametrize("container", ["mp4", "mov", "3gp"])
def test_an_mp4_file_that_was_cut_before_its_index_is_said_to_be(container: str) -> None:
    data = encoded(tone(4), container, "aac")
    for part in (0.5, 0.9):
        with pytest.raises(AudioNotDecodable, match=r"cut off .* Send the whole file"):
            decode(data[: round(part * len(data))], LIMITS)
    damaged = data.replace(b"mp4a", b"????").replace(b"stsd", b"????")
    with pytest.raises(AudioNotDecodable, match="could not be decoded: send a file"):
        decode(damaged, LIMITS)


@pytest.mark.parametrize(("container", "codec", "rate"), [*OTHERS, *ONE_BY_ONE])
@pytest.mark.parametrize("part", [0.3, 0.95])
def test_a_file_that_ends_anywhere_is_said_to_be_cut_off(
    container: str, codec: str, rate: int, part: float
) -> None:
    whole = four_seconds(container, codec, rate)
    audio = decode(whole[: round(part * len(whole)) + 1], LIMITS)
    assert audio.duration < 4
    assert audio.warnings == (CUT.format(audio.duration),)


@pytest.mark.parametrize(("container", "codec", "rate"), [*KINDS, *OTHERS, *ONE_BY_ONE])
def test_the_last_half_second_of_a_file_is_not_missing_unsaid(
    container: str, codec: str, rate: int
) -> None:
    whole = four_seconds(container, codec, rate)
    audio = decode(whole[: round(0.87 * len(whole)) + 1], LIMITS)
    assert audio.duration > 3.85 or len(audio.warnings) == 1


@pytest.mark.parametrize(("container", "codec", "rate"), [*KINDS, *OTHERS])
def test_of_whole_files_nothing_is_said(container: str, codec: str, rate: int) -> None:
    whole = four_seconds(container, codec, rate)
    for number, audio in enumerate((decode(whole, LIMITS), decode(2 * whole, LIMITS)), 1):
        assert audio.warnings == ()
        assert audio.duration == pytest.approx(4 * number, abs=0.35 * number)


@pytest.mark.parametrize(
    ("container", "codec", "rate", "options"),
    [
        ("matroska", "flac", 16_000, {"live": "1"}),
        ("webm", "libopus", 48_000, {"live": "1", "cluster_time_limit": "500"}),
        ("mp4", "aac", 16_000, {"movflags": "frag_keyframe+empty_moov", "frag_duration": "9000"}),
        ("wav", "pcm_s16le", 48_000, {"rf64": "always"}),
    ],
)
def test_what_was_written_while_it_was_sent_may_end_anywhere(
    container: str, codec: str, rate: int, options: dict[str, str]
) -> None:
    whole = encoded(tone(4), container, codec, rate, options=options)
    assert decode(whole, LIMITS).warnings == ()
    for part in (5, 9, 13, 17, 19):
        audio = decode(whole[: part * len(whole) // 20], LIMITS)
        assert len(audio.warnings) == 1, part
        assert audio.duration == pytest.approx(part / 5, abs=0.6)


def test_what_stands_before_a_list_that_was_cut_off_is_heard() -> None:
    options = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "9000"}
    whole = encoded(tone(4), "mp4", "aac", 16_000, options=options)
    at = whole.index(b"moof", len(whole) // 2)
    for end in (at + 4, at + 50, at + 103):
        audio = decode(whole[:end], LIMITS)
        assert audio.duration == pytest.approx(2.2, abs=0.4)
        assert audio.warnings == (CUT.format(audio.duration),)


def test_what_stands_before_a_list_of_segments_that_was_cut_off_is_heard() -> None:
    options = {"movflags": "dash+delay_moov", "frag_duration": "500000"}
    whole = encoded(tone(4), "mp4", "aac", 16_000, options=options)
    at = whole.index(b"sidx", len(whole) // 2)
    for end in (at + 4, at + 20, at + 47):
        audio = decode(whole[:end], LIMITS)
        assert audio.duration == pytest.approx(2.2, abs=0.4)
        assert len(audio.warnings) == 1


def test_a_file_of_which_nothing_can_be_read_is_no_empty_recording() -> None:
    options = {"movflags": "cmaf", "frag_duration": "500000"}
    whole = bytearray(encoded(tone(4), "mp4", "aac", 16_000, options=options))
    whole[whole.index(b"tkhd") + 19] ^= 7  # another track than that of the fragments
    assert decode(bytes(whole), LIMITS).warnings == ("What follows 0.0 s could not be decoded.",)


def test_a_list_of_packets_that_was_cut_off_is_no_empty_recording() -> None:
    whole = four_seconds("3gp", "libopencore_amrnb", 8_000)
    assert decode(whole[:-1], LIMITS).warnings == (CUT.format(0),)


def test_half_a_sample_is_all_that_tells_where_nothing_says_a_length() -> None:
    whole = four_seconds("ircam", "pcm_s16le", 16_000)
    assert decode(whole, LIMITS).warnings == ()
    audio = decode(whole[:-31_999], LIMITS)
    assert audio.warnings == (CUT.format(audio.duration),)


def test_what_is_encrypted_is_refused() -> None:
    encrypted = encoded(
        tone(1),
        "mp4",
        "aac",
        options={
            "encryption_scheme": "cenc-aes-ctr",
            "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
            "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
        },
    )
    with pytest.raises(AudioNotDecodable, match=r"DRM: send a file without encryption"):
        decode(encrypted, LIMITS)


def test_frames_of_gsm_are_33_bytes_each() -> None:
    frames = (b"\xd0" + bytes(32)) * 200
    assert decode(frames, LIMITS).warnings == ()
    audio = decode(frames[:-5], LIMITS)
    assert audio.warnings == (CUT.format(audio.duration),)


def test_what_follows_the_last_frame_is_no_part_of_one() -> None:
    for container, codec in (("mp3", "libmp3lame"), ("adts", "aac")):
        whole = four_seconds(container, codec, 16_000)
        assert decode(whole + bytes(100), LIMITS).warnings == ()


@pytest.mark.parametrize(("container", "codec", "rate"), ONE_BY_ONE)
def test_of_one_whole_file_nothing_is_said(container: str, codec: str, rate: int) -> None:
    assert decode(four_seconds(container, codec, rate), LIMITS).warnings == ()


def test_what_a_writer_of_avi_counts_too_much_is_not_missing() -> None:
    assert decode(encoded(tone(61), "avi", "pcm_mulaw", 8_000), LIMITS).warnings == ()


def id3(size: int) -> bytes:
    sizes = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + sizes + b"APIC" + bytes(size - 4)


def ape(size: int) -> bytes:
    def end(flags: int) -> bytes:
        return struct.pack("<8sIIII8x", b"APETAGEX", 2000, size + 32, 1, flags)

    return end(0xA0000000) + b"z" * size + end(0x80000000)


ID3V1 = b"TAG" + bytes(125)
ID3 = b"ID3\x04\0\0\0\0\0\0"
# What hides neither a mark nor a frame.
NOISE = bytes(1 + 200 * number % 181 for number in range(3_000))
KINDS_OF_FRAMES = {
    "wav": ("wav", "pcm_s16le"),
    "w64": ("w64", "pcm_s16le"),
    "aiff": ("aiff", "pcm_s16be"),
    "caf": ("caf", "pcm_s16be"),
    "mp3": ("mp3", "libmp3lame"),
    "adts": ("adts", "aac"),
    "flac": ("flac", "flac"),
    "ogg": ("ogg", "flac"),
    "mp4": ("mp4", "aac"),
    "matroska": ("matroska", "flac"),
    "mpegts": ("mpegts", "aac"),
}


@pytest.mark.parametrize("between", [id3(100_000), ape(20_000), ID3V1, ape(20_000) + ID3V1])
def test_tags_of_joined_files_are_no_damaged_audio(between: bytes) -> None:
    one = encoded(tone(4), "mp3", "libmp3lame", 16_000)
    joined = decode(one + between + one, LIMITS)
    assert joined.duration == pytest.approx(8, abs=0.4)
    assert joined.warnings == ()


@pytest.mark.parametrize("behind", [ape(20_000), ID3V1, ape(20_000) + ID3V1])
def test_tags_behind_a_file_are_no_missing_audio(behind: bytes) -> None:
    one = encoded(tone(4), "mp3", "libmp3lame", 16_000)
    assert decode(one + behind, LIMITS).warnings == ()


def test_garbage_between_frames_is_damaged_audio() -> None:
    one = encoded(tone(4), "mp3", "libmp3lame", 16_000)
    (warning,) = decode(one + 5 * NOISE + one[45:], LIMITS).warnings
    assert "are damaged and were taken for silence" in warning


@pytest.mark.parametrize("kind", ["mp3", "adts", "flac", "ogg", "mp4", "mpegts", "aiff"])
def test_zeros_behind_a_file_or_between_two_are_nothing(kind: str) -> None:
    one = encoded(tone(4), *KINDS_OF_FRAMES[kind])
    for whole, seconds in ((one + bytes(20_000), 4), (one + bytes(20_000) + ID3 + one, 8)):
        audio = decode(whole, LIMITS)
        assert audio.duration == pytest.approx(seconds, abs=0.3)
        assert audio.warnings == ()


@pytest.mark.parametrize("kind", ["wav", "w64", "aiff", "caf", "flac", "ogg", "mp4", "matroska"])
def test_garbage_of_a_few_bytes_is_nothing_and_more_is_said(kind: str) -> None:
    one = encoded(tone(1), *KINDS_OF_FRAMES[kind])
    for size in (1, 4, 7, 16, 100):
        assert decode(one + NOISE[:size], LIMITS).warnings == ()
    (warning,) = decode(one + NOISE, LIMITS).warnings
    assert warning.startswith("3,000 bytes behind ")


def test_samples_that_a_header_does_not_count_are_heard_and_said() -> None:
    for container, rate in (("wav", 16_000), ("au", 16_000), ("sox", 16_000)):
        codec = {"wav": "pcm_s16le", "au": "pcm_s16be", "sox": "pcm_s32le"}[container]
        audio = decode(encoded(tone(1), container, codec, rate) + 30 * NOISE, LIMITS)
        assert audio.duration > 2
        assert audio.warnings == (
            "90,000 bytes behind the samples that the header counts were taken for more of them.",
        )


def test_a_wave64_file_that_was_streamed_says_no_length() -> None:
    data = encoded(tone(2), "w64", "pcm_s16le", 16_000)
    at = data.index(b"data\xf3\xac") + 16
    streamed = data[:at] + struct.pack("<Q", 1 << 62) + data[at + 8 :]
    audio = decode(streamed[: len(data) // 2], LIMITS)
    assert (round(audio.duration, 1), audio.warnings) == (1.0, ())


def test_a_windows_media_broadcast_says_no_length() -> None:
    whole = encoded(tone(4), "asf", "wmav2", 16_000)
    at = whole.index(b"\xa1\xdc\xab\x8c") + 88
    flags = struct.unpack_from("<I", whole, at)[0]
    broadcast = whole[:at] + struct.pack("<I", flags | 1) + whole[at + 4 :]
    assert decode(broadcast[: len(whole) // 2], LIMITS).warnings == ()


@pytest.mark.parametrize("options", [{}, {"mpegts_m2ts_mode": "1"}])
def test_a_packet_of_a_transport_stream_that_is_not_whole_is_said(options: dict[str, str]) -> None:
    whole = encoded(tone(4), "mpegts", "mp2", 16_000, options=options)
    length = 192 if options else 188
    begin = whole.rindex(b"\0\0\x01\xc0") // length * length
    assert decode(whole, LIMITS).warnings == ()
    audio = decode(whole[: begin + length], LIMITS)
    assert audio.warnings == (CUT.format(audio.duration),)


def pages(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        segments = data[at + 26]
        end = at + 27 + segments + sum(data[at + 27 : at + 27 + segments])
        found.append(data[at:end])
        at = end
    return found


@pytest.mark.parametrize(("codec", "rate"), [("libopus", 48_000), ("flac", 16_000)])
def test_pages_that_are_missing_are_said_wherever_they_were(codec: str, rate: int) -> None:
    all_pages = pages(encoded(tone(4), "ogg", codec, rate, options={"page_duration": "500000"}))
    for number in range(3, len(all_pages)):
        rest = all_pages[:number] + all_pages[number + 1 :]
        assert decode(b"".join(rest), LIMITS).warnings, number


@pytest.mark.parametrize(("codec", "rate"), [("libopus", 48_000), ("flac", 16_000)])
@pytest.mark.parametrize("place", [0, 5, 8, 14, 18, 22, 26, 40])
def test_pages_that_are_damaged_are_said_wherever_they_are(
    codec: str, rate: int, place: int
) -> None:
    whole = encoded(tone(4), "ogg", codec, rate, options={"page_duration": "500000"})
    assert decode(whole, LIMITS).warnings == ()
    at, all_pages, half_seconds = 0, pages(whole), 0
    for number, page in enumerate(all_pages):
        damaged = bytearray(whole)
        damaged[at + place] ^= 4
        at += len(page)
        if number < 2:
            continue
        audio = decode(bytes(damaged), LIMITS)
        if audio.duration == pytest.approx(4, abs=0.005):
            (warning,) = audio.warnings
            assert warning.startswith("0.5 s of the audio, the first at ")
            assert "are missing by the file's clock" in warning
            half_seconds += 1
            continue
        # The last pages: nothing behind them has a time.
        assert number >= len(all_pages) - 2
        said = audio.warnings[-1]
        assert f" {audio.duration:.1f} s " in said or said.startswith("The recording is 0.5 s")
    assert half_seconds == 7 - (codec == "flac")


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [("adts", "aac", 16_000), ("matroska", "flac", 16_000), ("mp3", "libmp3lame", 16_000)],
)
def test_half_a_second_of_noise_within_a_file_is_said(
    container: str, codec: str, rate: int
) -> None:
    whole = bytearray(four_seconds(container, codec, rate))
    begin, end = len(whole) // 2, len(whole) * 5 // 8
    noise = 1 + len(whole) // 8 // len(NOISE)
    whole[begin:end] = (noise * NOISE)[: end - begin]
    audio = decode(bytes(whole), LIMITS)
    assert audio.duration > 1.9
    assert audio.warnings


def test_samples_behind_a_chunk_that_says_too_little_are_said() -> None:
    whole = four_seconds("w64", "pcm_s16le", 16_000)
    at = whole.index(b"data\xf3\xac") + 16
    audio = decode(whole[:at] + struct.pack("<Q", 64_024) + whole[at + 8 :], LIMITS)
    (warning,) = audio.warnings
    assert warning.startswith("63,998 bytes behind 2.0 s are of no kind that is known")
