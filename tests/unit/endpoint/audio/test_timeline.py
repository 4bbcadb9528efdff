# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Nothing is silently shorter: times, tracks, changes within a file, damage."""

import numpy as np
import pytest

from tests.unit.endpoint.helpers import CLIP, clip_samples, silence, wav
from tests.unit.endpoint.media import encoded, sounding, tone, with_tracks
from whisper_endpoint import errors
from whisper_endpoint.audio import concatenated_files
from whisper_endpoint.audio.content import BytesInMemory
from whisper_endpoint.audio.decode import Limits, decode, decode_channels
from whisper_endpoint.audio.lengths.beginnings import after_tags
from whisper_endpoint.audio.tracks import _TOLERANCE_S

MINUTE = Limits(seconds=60)
CLOCKS = [
    ("matroska", "libopus", 48_000),
    ("webm", "libopus", 48_000),
    ("mp4", "aac", 16_000),
    ("ogg", "libopus", 48_000),
    ("mpegts", "mp2", 16_000),
    ("flv", "libmp3lame", 44_100),
    ("nut", "flac", 16_000),
]


@pytest.mark.parametrize(("container", "codec", "rate"), CLOCKS)
def test_a_hole_is_silence(container: str, codec: str, rate: int) -> None:
    data = encoded(tone(8), container, codec, rate, starts=[(64_000, 20.0)])
    audio = decode(data, MINUTE)
    (first, second) = sounding(audio.samples)
    assert first == pytest.approx((0, 4), abs=0.25)
    assert second == pytest.approx((24, 28), abs=0.25)
    (warning,) = audio.warnings
    assert "missing by the file's clock and were taken for silence" in warning
    assert warning.startswith(("20.", "19.9"))


@pytest.mark.parametrize(
    ("container", "codec", "rate"), [one for one in CLOCKS if one[0] != "mpegts"]
)
def test_what_begins_late_stays_late(container: str, codec: str, rate: int) -> None:
    data = encoded(tone(3), container, codec, rate, starts=[(0, 8.0)])
    audio = decode(data, MINUTE)
    (span,) = sounding(audio.samples)
    assert span == pytest.approx((8, 11), abs=0.25)
    assert audio.warnings == ()


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [("matroska", "libopus", 48_000), ("webm", "libopus", 48_000), ("matroska", "flac", 16_000)],
)
def test_what_is_lost_at_the_beginning_does_not_begin_late(
    container: str, codec: str, rate: int
) -> None:
    data = bytearray(encoded(tone(12), container, codec, rate))
    data[data.index(b"\x1f\x43\xb6\x75")] ^= 1  # the first cluster
    audio = decode(bytes(data), MINUTE)
    ((begin, _),) = sounding(audio.samples)
    (warning,) = audio.warnings
    assert "s of the audio, the first at 0.0 s, are missing by the file's clock" in warning
    assert float(warning.partition(" ")[0]) == pytest.approx(begin, abs=0.2)


@pytest.mark.parametrize("late", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("reserved", [4_500, 100_000])
def test_a_long_header_is_no_lost_audio(late: float, reserved: int) -> None:
    options = {"reserve_index_space": str(reserved)}
    data = encoded(tone(4), "matroska", "aac", starts=[(0, late)], options=options)
    assert decode(data, MINUTE).warnings == ()
    damaged = bytearray(encoded(tone(12), "matroska", "aac", options=options))
    damaged[damaged.index(b"\x1f\x43\xb6\x75")] ^= 1
    (warning,) = decode(bytes(damaged), MINUTE).warnings
    assert "the first at 0.0 s, are missing" in warning


@pytest.mark.parametrize(
    ("container", "codec"),
    [("matroska", "flac"), ("webm", "libopus"), ("ogg", "libopus"), ("nut", "aac")],
)
def test_a_track_that_joins_late_has_lost_nothing(container: str, codec: str) -> None:
    noise = np.random.default_rng(1).integers(-9_000, 9_000, 128_000).astype(np.int16)
    data = with_tracks(noise, noise[:80_000], container=container, codec=codec, late=3.0)
    audio = decode(data, MINUTE)
    assert audio.duration == pytest.approx(8, abs=0.2)
    assert audio.warnings == ()


@pytest.mark.parametrize("codec", ["wavpack", "tta"])
def test_a_frame_whose_checksum_is_wrong_is_silent_and_said(codec: str) -> None:
    container = {"wavpack": "wv"}.get(codec, codec)
    noise = np.random.default_rng(1).integers(-9_000, 9_000, 192_000).astype(np.int16)
    data = bytearray(encoded(noise, container, codec))
    data[len(data) // 2] ^= 4
    audio = decode(bytes(data), MINUTE)
    assert len(audio.samples) == pytest.approx(len(noise), abs=1_600)
    (before, (end, _)) = sounding(audio.samples)
    frame = {"wavpack": 4.0, "tta": 256 / 245}[codec]
    assert before[1] < 6 < end
    assert end - before[1] == pytest.approx(frame, abs=0.2)
    (warning,) = audio.warnings
    assert warning.startswith(f"{frame:.1f} s of the audio, the first at {before[1]:.0f}.")
    assert "are damaged and were taken for silence" in warning


def test_a_clock_that_says_too_much_is_not_believed() -> None:
    data = encoded(tone(4), "matroska", "flac", starts=[(32_000, 100_000.0)])
    audio = decode(data, MINUTE)
    assert audio.duration == pytest.approx(4, abs=0.1)
    (warning,) = audio.warnings
    assert warning.startswith("100000.0 s of the audio, the first at 2.0 s")
    assert "too many to be believed" in warning
    hour = encoded(tone(4), "matroska", "flac", starts=[(32_000, 3000.0)])
    with pytest.raises(errors.AudioTooLong):
        decode(hour, Limits(seconds=60, believed_seconds=3600))
    assert decode(hour, Limits(seconds=3600)).duration == pytest.approx(3004, abs=0.1)


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    data = encoded(tone(2), "mpegts", "mp2") + encoded(tone(3, 880), "mpegts", "mp2")
    audio = decode(data, MINUTE)
    assert audio.duration == pytest.approx(5, abs=0.15)
    assert sounding(audio.samples) == [pytest.approx((0, audio.duration), abs=0.25)]


MP3S = (("mp3", "libmp3lame", 16_000, 1), ("mp3", "libmp3lame", 44_100, 2))


@pytest.mark.parametrize(
    "forms",
    [
        (*MP3S, ("mp3", "libmp3lame", 24_000, 1)),
        (("adts", "aac", 16_000, 1), ("adts", "aac", 44_100, 2)),
        (("ac3", "ac3", 32_000, 1), ("ac3", "ac3", 48_000, 2)),
        (("ogg", "libopus", 48_000, 1), ("ogg", "libopus", 48_000, 2)),
        (("ogg", "flac", 16_000, 1), ("ogg", "libopus", 48_000, 2)),
        (("flac", "flac", 16_000, 1), ("flac", "flac", 44_100, 2)),
        (("wav", "pcm_s16le", 16_000, 1), ("wav", "pcm_mulaw", 8_000, 2)),
        (("wv", "wavpack", 16_000, 1), ("wv", "wavpack", 44_100, 2)),
        (("matroska", "flac", 16_000, 1), ("matroska", "libopus", 48_000, 2)),
        (("mp4", "aac", 16_000, 1), ("mp4", "aac", 44_100, 2)),
        (("asf", "wmav2", 16_000, 1), ("asf", "wmav2", 44_100, 2)),
        (("aiff", "pcm_s16be", 16_000, 1), ("aiff", "pcm_s16be", 44_100, 2)),
    ],
)
def test_files_one_after_another_are_all_heard(
    forms: tuple[tuple[str, str, int, int], ...],
) -> None:
    data = b"".join(
        encoded(tone(2, 440), container, codec, rate, channels=channels)
        for container, codec, rate, channels in forms
    )
    audio = decode(data, MINUTE)
    assert audio.duration == pytest.approx(2 * len(forms), abs=0.25)
    assert audio.warnings == ()
    spectrum = np.abs(np.fft.rfft(audio.samples[-24_000:-8_000]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)
    left, right = decode_channels(data, MINUTE)
    assert len(left.samples) == len(right.samples) == len(audio.samples)
    assert sounding(right.samples)[0] == pytest.approx((2, 4), abs=0.25)


def test_marks_alone_are_no_files() -> None:
    data = b"fLaC\0\0\0\x22" * 5_000
    assert len(concatenated_files.split(BytesInMemory(data))) == 1_001
    assert after_tags(BytesInMemory(b"ID3\x03\0\0\0\0\0\0" * 50)) == 100
    assert after_tags(BytesInMemory(b"ID3\x03\0\0\xff\0\0\0")) == 0
    with pytest.raises(errors.AudioNotDecodable):
        decode(data, MINUTE)


@pytest.mark.parametrize("container", ["matroska", "mp4", "ogg"])
def test_tracks_are_mixed_or_channels_or_chosen(container: str) -> None:
    first = np.concatenate([tone(2, 440), silence(2)])
    second = np.concatenate([silence(2), tone(2, 880)])
    data = with_tracks(first, second, container=container)
    mixed = decode(data, MINUTE).samples
    assert np.allclose(mixed * 32768, (first.astype(float) + second) / 2, atol=1)
    for track, (samples, each) in enumerate(
        zip((first, second), decode_channels(data, MINUTE), strict=True)
    ):
        assert np.array_equal(each.samples * 32768, samples)
        (chosen,) = decode_channels(data, MINUTE, track=track)
        assert np.array_equal(chosen.samples, each.samples)
        assert np.array_equal(decode(data, MINUTE, track=track).samples, each.samples)


def test_a_silent_track_takes_nothing_of_the_other() -> None:
    data = with_tracks(silence(2), tone(2))
    assert np.array_equal(decode(data, MINUTE).samples * 32768, tone(2))


def test_a_track_that_is_not_there_is_refused() -> None:
    for data, there in ((CLIP, 1), (with_tracks(tone(1), tone(1)), 2)):
        with pytest.raises(
            errors.InvalidParameter, match=f"the audio has {there}, counted"
        ) as caught:
            decode(data, MINUTE, track=there)
        assert caught.value.field == "parameters.audio_track"


def test_too_many_tracks() -> None:
    nine = with_tracks(*[tone(1)] * 9)
    with pytest.raises(errors.TooManyChannels, match="9 tracks: send at most 8, or choose one"):
        decode(nine, MINUTE)
    assert decode(nine, MINUTE, track=8).duration == 1
    five = encoded(tone(1), "flac", "flac", channels=2)
    assert len(decode_channels(five, Limits(seconds=60, channels=2))) == 2


@pytest.mark.parametrize("fault", ["zeros", "noise"])
@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp3", "libmp3lame"),
        ("ac3", "ac3"),
        ("ogg", "libopus"),
        ("matroska", "libopus"),
        ("mp4", "aac"),
    ],
)
def test_a_damaged_quarter_is_silent_and_said(container: str, codec: str, fault: str) -> None:
    rate = 16_000 if codec in {"libmp3lame", "aac"} else 48_000
    data = bytearray(encoded(tone(20), container, codec, rate))
    begin, end = len(data) // 2, len(data) * 3 // 4
    damage = bytes(end - begin)
    if fault == "noise":
        damage = np.random.default_rng(1).bytes(end - begin)
    data[begin:end] = damage
    audio = decode(bytes(data), MINUTE)
    assert audio.duration == pytest.approx(20, abs=1.2)
    assert sum(b - a for a, b in sounding(audio.samples)) == pytest.approx(15, abs=5)
    assert any("taken for silence" in warning for warning in audio.warnings)


@pytest.mark.parametrize(
    ("container", "codec", "words"),
    [
        ("flac", "flac", "shorter than the file should be"),
        ("matroska", "flac", "shorter than the file should be"),
        ("tta", "tta", "shorter than the file should be"),
        ("wav", "pcm_s16le", "shorter than the file should be"),
        ("wav", "pcm_mulaw", "shorter than the file should be"),
    ],
)
def test_a_file_that_was_cut_off_says_so(container: str, codec: str, words: str) -> None:
    data = encoded(tone(10), container, codec)
    audio = decode(data[: len(data) // 2], MINUTE)
    assert 4 < audio.duration < 7
    assert any(words in warning for warning in audio.warnings)


def test_damage_that_cannot_be_placed_is_said() -> None:
    data = bytearray(encoded(tone(20), "adts", "aac"))
    data[len(data) // 2 : len(data) * 3 // 4] = bytes(len(data) // 4)
    (warning,) = decode(bytes(data), MINUTE).warnings
    assert warning == "The recording is 5.0 s shorter than the file should be."


def test_channels_without_places_are_all_heard() -> None:
    for channels in (3, 6):
        samples = np.zeros((16_000, channels), np.int16)
        samples[:, -1] = tone(1) // 2 * 2
        mixed = decode(wav(samples, channels=channels), MINUTE).samples
        assert np.abs(mixed).max() == pytest.approx(0.49 / channels, abs=0.01)


def test_a_deadline_ends_decoding() -> None:
    late = Limits(seconds=60, deadline=0)
    for data in (encoded(tone(1), "flac", "flac"), encoded(tone(1), "mp4", "aac")):
        with pytest.raises(errors.DeadlineExceeded, match="send shorter audio"):
            decode(data, late)


def test_more_samples_than_a_recording_has_are_refused_before() -> None:
    data = encoded(tone(30), "flac", "flac", 192_000, channels=2)
    with pytest.raises(errors.AudioTooLong, match="million samples in all its channels"):
        decode(data, Limits(seconds=30))
    assert decode(data, Limits(seconds=60)).duration == pytest.approx(30, abs=0.1)


def test_small_faults_of_a_clock_move_nothing() -> None:
    data = encoded(tone(4), "matroska", "flac", starts=[(32_000, 0.6 * _TOLERANCE_S)])
    audio = decode(data, MINUTE)
    assert len(audio.samples) == 64_000
    assert audio.warnings == ()
    assert len(clip_samples()) == len(decode(CLIP, MINUTE).samples)
