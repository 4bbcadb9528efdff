# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Audio that is unusual, damaged or hostile: each has a defined answer."""

import io
import math
import os
import struct
import subprocess
import sys
import tracemalloc
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.endpoint import media
from tests.unit.endpoint.helpers import CLIP, clip_samples, silence, wav
from whisper_endpoint import errors
from whisper_endpoint.audio import ffmpeg_memory
from whisper_endpoint.audio.decode import Limits, decode, decode_channels
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.audio.timeline import Timeline
from whisper_endpoint.audio.tracks import Losses, Track

MINUTE = Limits(seconds=60)


def encoded(
    samples: np.ndarray, container: str, codec: str, layout: str = "mono", rate: int = 16_000
) -> bytes:
    """Encode int16 samples of shape (n, channels)."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.rate = rate
        resampler = av.AudioResampler(stream.format, stream.layout, rate, stream.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize("samples", [0, 1, 160, 480])
def test_next_to_nothing_is_what_it_is(samples: int) -> None:
    assert len(decode(wav(clip_samples()[:samples]), MINUTE).samples) == samples


def test_clipped_audio_stays_within_full_scale() -> None:
    loud = np.where(clip_samples() > 0, 32767, -32768).astype(np.int16)
    samples = decode(wav(loud), MINUTE).samples
    assert (samples.min(), samples.max()) == (-1.0, pytest.approx(1.0, abs=1e-4))


@pytest.mark.parametrize(("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac")])
def test_surround_sound_at_44100(container: str, codec: str) -> None:
    tone = (np.sin(np.arange(44_100) * 2 * np.pi * 440 / 44_100) * 16_000).astype(np.int16)
    channels = np.zeros((44_100, 6), np.int16)
    channels[:, 2] = tone  # the centre, where speech is
    data = encoded(channels, container, codec, "5.1", 44_100)
    mixed = decode(data, MINUTE).samples
    assert len(mixed) == pytest.approx(16_000, abs=100)
    assert np.argmax(np.abs(np.fft.rfft(mixed[:15_900]))) == pytest.approx(437, abs=3)
    each = decode_channels(data, MINUTE)
    assert [float(np.abs(one.samples).max()) > 0.1 for one in each] == [
        number == 2 for number in range(6)
    ]


def test_channels_for_themselves() -> None:
    left, right = clip_samples(), clip_samples()[::-1]
    both = decode_channels(wav(np.stack([left, right], axis=1), channels=2), MINUTE)
    for one, channel in zip(both, (left, right), strict=True):
        assert np.array_equal(one.samples * 32768, channel)
    (one,) = decode_channels(CLIP, MINUTE)
    assert np.array_equal(one.samples, decode(CLIP, MINUTE).samples)
    assert decode_channels(wav(silence(0)), MINUTE)[0].duration == 0


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("gain", [1.0, 0.8])
@pytest.mark.parametrize("is_raw", [False, True], ids=["file", "raw"])
def test_channels_that_are_inverse_do_not_cancel_out(
    rate: int, gain: float, *, is_raw: bool
) -> None:
    clip = clip_samples()
    stereo = np.stack([clip, np.rint(-gain * clip.astype(np.float64)).astype(np.int16)], axis=1)
    if is_raw:
        heard = decode(stereo.tobytes(), MINUTE, RawForm("pcm16", rate, 2)).samples
    else:
        heard = decode(wav(stereo, rate, channels=2), MINUTE).samples
    whole = decode(wav(clip, rate), MINUTE).samples
    assert heard == pytest.approx(whole * (1 + gain) / 2, abs=1e-3)


def test_other_channels_are_averaged() -> None:
    left, right = clip_samples(), clip_samples()[::-1]
    for second in (left, right, left * 0, -(left // 3)):
        heard = decode(wav(np.stack([left, second], axis=1), channels=2), MINUTE).samples
        assert heard * 32768 == pytest.approx((left / 2 + second / 2), abs=0.51)


def wave_form(samples: bytes, *form: int, extensible: bytes = b"") -> bytes:
    """Make a WAV file whose format says: tag, channels, rate, bytes a second and frame, bits."""
    described = struct.pack("<HHIIHH", *form) + extensible
    chunks = b"fmt " + struct.pack("<I", len(described)) + described
    content = b"WAVE" + chunks + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(content)) + content


def extensible(bits: int, places: int) -> bytes:
    """Say how many bits of PCM count, and where each channel is heard."""
    return struct.pack("<HHIH", 22, bits, places, 1) + bytes.fromhex("000000001000800000aa00389b71")


@pytest.mark.parametrize(("kind", "bits"), [("<f4", 32), ("<f8", 64)])
@pytest.mark.parametrize("other", [np.nan, np.inf, -np.inf])
def test_floats_that_are_no_numbers_are_silent_and_said(kind: str, bits: int, other: float) -> None:
    samples = clip_samples() / 32768
    heard = samples.copy()
    samples[8_000:16_000], heard[8_000:16_000] = other, 0
    data = wave_form(samples.astype(kind).tobytes(), 3, 1, 16_000, 2_000 * bits, bits // 8, bits)
    audio = decode(data, MINUTE)
    assert audio.samples == pytest.approx(heard, abs=1e-4)
    assert audio.warnings == (
        "0.5 s of the audio, the first at 0.5 s, are damaged and were taken for silence.",
    )


def test_floats_beyond_full_scale_are_full_scale() -> None:
    samples = np.where(clip_samples() >= 0, 1e38, -1e38).astype("<f4")
    audio = decode(wave_form(samples.tobytes(), 3, 1, 16_000, 64_000, 4, 32), MINUTE)
    assert np.array_equal(audio.samples > 0, samples > 0)
    assert audio.warnings == ()


@pytest.mark.parametrize("bits", [16, 24, 32])
@pytest.mark.parametrize("kind", ["<f4", "<f8"])
def test_floats_that_are_integers_are_as_loud_as_those(kind: str, bits: int) -> None:
    quiet = np.concatenate([silence(1) + np.int16(1), clip_samples()])
    samples = (quiet * float(1 << bits - 16)).astype(kind)
    size = samples.itemsize
    data = wave_form(samples.tobytes(), 3, 1, 16_000, 16_000 * size, size, 8 * size)
    audio = decode(data, MINUTE)
    assert np.array_equal(audio.samples * 32768, quiet)
    if kind == "<f4":
        raw = decode(samples.tobytes(), MINUTE, RawForm("float32", 16_000))
        assert np.array_equal(raw.samples * 32768, quiet)


@pytest.mark.parametrize("gain", [1, 4, 30])
def test_floats_that_are_too_loud_here_and_there_are_no_integers(gain: float) -> None:
    samples = (clip_samples() / 32768).astype("<f4")
    samples[::2_000] *= gain
    samples[7] = 1e9
    data = wave_form(samples.tobytes(), 3, 1, 16_000, 64_000, 4, 32)
    assert decode(data, MINUTE).samples == pytest.approx(np.clip(samples, -1, 1), abs=1e-4)


def test_bits_that_do_not_count_do_not_change_the_others() -> None:
    samples = clip_samples().astype("<i4") << 16
    form = 0xFFFE, 1, 16_000, 64_000, 4, 32
    data = wave_form(samples.tobytes(), *form, extensible=extensible(24, 4))
    assert np.array_equal(decode(data, MINUTE).samples * 32768, clip_samples())


@pytest.mark.parametrize("channels", [5, 7])
def test_channels_in_places_that_no_studio_has_are_mixed(channels: int) -> None:
    samples = np.repeat(clip_samples(), channels)
    form = 0xFFFE, channels, 16_000, 32_000 * channels, 2 * channels, 16
    places = extensible(16, (1 << channels) - 1)
    audio = decode(wave_form(samples.tobytes(), *form, extensible=places), MINUTE)
    assert audio.samples * 32768 == pytest.approx(clip_samples(), abs=2)


@pytest.mark.parametrize("tracks", [19, 30])
@pytest.mark.parametrize("container", ["matroska", "mp4"])
def test_more_streams_than_are_looked_at_are_refused(tracks: int, container: str) -> None:
    data = media.with_tracks(*[silence(0.1)] * tracks, container=container)
    with pytest.raises(errors.AudioNotDecodable, match="18 streams, or too large an index"):
        decode(data, MINUTE, track=0)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_raw_channels_for_themselves(rate: int) -> None:
    samples = np.zeros((rate, 3), "<i2")
    samples[:, 1] = 8_000
    each = decode_channels(samples.tobytes(), MINUTE, RawForm("pcm16", rate, 3))
    assert [len(one.samples) for one in each] == [pytest.approx(16_000, abs=50)] * 3
    assert [float(one.samples.mean()) for one in each] == pytest.approx([0, 0.244, 0], abs=0.01)


def test_seconds_of_channels_count_together() -> None:
    stereo = wav(np.stack([clip_samples()] * 2, axis=1), channels=2)
    assert decode(stereo, Limits(seconds=3)).duration > 2.5
    with pytest.raises(errors.AudioTooLong):
        decode_channels(stereo, Limits(seconds=3))


@pytest.mark.parametrize("raw", [None, RawForm("pcm16", 16_000, 9)])
def test_too_many_channels(raw: RawForm | None) -> None:
    data = wav(np.zeros((1600, 9), np.int16), channels=9)
    with pytest.raises(errors.TooManyChannels, match="9 channels: send at most 8") as caught:
        decode(data, MINUTE, raw)
    assert caught.value.status == 413


@pytest.mark.parametrize("rate", [1, 100, 3_999, 192_001, 4_000_000])
@pytest.mark.parametrize("is_raw", [True, False])
def test_sample_rates_that_nobody_has(rate: int, is_raw: bool) -> None:
    raw = RawForm("pcm16", rate) if is_raw else None
    with pytest.raises(errors.UnsupportedSampleRate, match="send 4,000 to 192,000") as caught:
        decode(wav(silence(1), rate=rate), MINUTE, raw)
    assert caught.value.status == 422


def test_a_video_is_its_sound() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        picture: Any = file.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 32
        picture.pix_fmt = "yuv420p"
        sound: Any = file.add_stream("aac", rate=16_000, layout="mono")
        for number in range(20):
            image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            image.pts = number
            file.mux(picture.encode(image))
        frame = av.AudioFrame.from_ndarray(clip_samples()[None], format="s16", layout="mono")
        frame.rate = 16_000
        resampler = av.AudioResampler(sound.format, sound.layout, 16_000, sound.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(sound.encode(part))
        file.mux(picture.encode(None))
        file.mux(sound.encode(None))
    assert decode(buffer.getvalue(), MINUTE).duration == pytest.approx(2.74, abs=0.2)


def test_an_empty_recording_with_a_long_header_is_empty() -> None:
    junk = b"JUNK" + struct.pack("<I", 20_000) + bytes(20_000)
    parts = b"WAVE" + junk + CLIP[12:36] + b"data" + bytes(4)
    audio = decode(b"RIFF" + struct.pack("<I", len(parts)) + parts, MINUTE)
    assert (audio.duration, audio.warnings) == (0, ())


def test_a_video_with_an_empty_track_of_audio_is_an_empty_recording() -> None:
    noise = np.random.default_rng(1)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="avi") as file:
        picture = file.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 160, 120, "yuv420p"
        file.add_stream("aac", rate=16_000, layout="mono")
        for _ in range(25):
            image = noise.integers(0, 255, (180, 160), dtype=np.uint8)
            file.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="yuv420p")))
        file.mux(picture.encode(None))
    data = buffer.getvalue()
    assert len(data) > 100_000
    audio = decode(data, MINUTE)
    assert (audio.duration, audio.warnings) == (0, ())


def test_a_video_without_sound_is_not_decodable() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        picture: Any = file.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 32
        picture.pix_fmt = "yuv420p"
        image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        file.mux(picture.encode(image))
        file.mux(picture.encode(None))
    with pytest.raises(errors.AudioNotDecodable):
        decode(buffer.getvalue(), MINUTE)


@pytest.mark.parametrize("length", [0, 1, 4, 11, 12, 19, 20, 35, 36, 43])
def test_a_wav_header_that_ends_early(length: int) -> None:
    with pytest.raises(errors.AudioNotDecodable):
        decode(CLIP[:length], MINUTE)


@pytest.mark.parametrize(
    "text",
    [
        "hello, this is text",
        "<html><body>404</body></html>",
        '{"audio_input": [1, 2, 3]}',
        "RIFF of the year, WAVE after wave",
        "ID3 is a tag and nothing follows" + "." * 1000,
    ],
)
def test_text_that_poses_as_audio(text: str) -> None:
    with pytest.raises(errors.AudioNotDecodable) as caught:
        decode(text.encode(), MINUTE)
    assert "text" not in caught.value.message


def hundred_hours(data: bytes) -> bytes:
    """Let a FLAC file claim 100 hours: 36 bits of its first block are its number of samples."""
    claimed = 100 * 3600 * 16_000
    upper = data[21] & 0xF0 | claimed >> 32
    return data[:21] + bytes([upper]) + struct.pack(">I", claimed & 0xFFFFFFFF) + data[26:]


def test_a_claim_of_100_hours_takes_neither_memory_nor_time() -> None:
    liar = hundred_hours(encoded(clip_samples(), "flac", "flac"))[:10_000]
    tracemalloc.start()
    try:
        assert decode(liar, Limits(seconds=3600)).duration < 3
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def caf_that_claims(channels: int) -> bytes:
    """Make a Core Audio file that claims this many channels, each with a description."""
    form = struct.pack(">d4sIIIII", 8000, b"alaw", 0, 1, 1, channels, 8)
    layout = struct.pack(">III", 0, 0, channels)  # tag 0: descriptions of 20 bytes follow
    return b"".join(
        [
            b"caff" + struct.pack(">HH", 1, 0),
            b"desc" + struct.pack(">q", len(form)) + form,
            b"chan" + struct.pack(">q", len(layout) + 20 * channels) + layout,
            b"data" + struct.pack(">q", 104) + bytes(104),
        ]
    )


_PEAK = """
import os, resource, sys
from whisper_endpoint import errors
from whisper_endpoint.audio.decode import Limits, decode
# A peak of memory is carried through exec, not through fork.
if child := os.fork():
    sys.exit(os.waitpid(child, 0)[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decode(sys.stdin.buffer.read(), Limits(seconds=5))
except errors.EndpointError as refusal:
    print(refusal.code, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_claim_of_many_channels_takes_no_memory() -> None:
    answered = subprocess.run(
        [sys.executable, "-c", _PEAK],
        input=caf_that_claims(30_000_000),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
    )
    code, megabytes = answered.stdout.decode().split()
    assert code == "AudioNotDecodable"
    assert int(megabytes) < 100  # 920 where FFmpeg believes it


def test_ffmpeg_that_is_not_pyavs_own_is_told(monkeypatch, tmp_path, caplog) -> None:
    monkeypatch.setattr(av, "__file__", str(tmp_path / "av" / "__init__.py"))
    ffmpeg_memory.bound.cache_clear()
    try:
        assert not ffmpeg_memory.bound()
        assert "pip install --only-binary av av" in caplog.text
    finally:
        ffmpeg_memory.bound.cache_clear()


def test_hours_of_silence_in_few_bytes_are_stopped_while_decoding() -> None:
    hours = media.repeated(media.encoded(silence(20), "ogg", "libopus", 48_000), "ogg", 90)
    tracemalloc.start()
    try:
        with pytest.raises(errors.AudioTooLong):
            decode(hours, Limits(seconds=30))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 48_000, 191_999])
@pytest.mark.parametrize("count", [1, 20, 45, 80, 91, 160, 269, 270, 500, 4_001])
def test_a_short_piece_is_as_long_as_it_was(rate: int, count: int) -> None:
    found = decode(np.full(count, 8_000, "<i2").tobytes(), MINUTE, RawForm("pcm16", rate)).samples
    expected = count * 16_000 / rate
    assert math.floor(expected) <= len(found) <= math.ceil(expected)
    assert found == pytest.approx(8_000 / 32_768, rel=0.02)


def test_single_frames_between_lost_ones_are_heard() -> None:
    timeline = Timeline(MINUTE, is_mixed=True)
    track = Track(timeline, Losses(), number=0, begin=0, zero=None, tick=1 / 8_000)
    for _ in range(50):
        frame = av.AudioFrame.from_ndarray(np.full((1, 80), 8_000, np.int16), "s16", "mono")
        frame.rate = 8_000
        track.put(frame)
        track.lose(0.01)
    track.finish()
    (samples,) = timeline.finish()
    pieces = samples[:].reshape(50, 2, 160)
    assert pieces[:, 0] == pytest.approx(8_000 / 32_768, rel=0.02)
    assert not pieces[:, 1].any()
