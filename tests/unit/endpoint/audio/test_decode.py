# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import bz2
import gzip
import io
import lzma
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.endpoint.helpers import CLIP, clip_samples, silence, wav
from whisper_endpoint.audio import wav as wav_files
from whisper_endpoint.audio.content import BytesInMemory
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.wav import is_streamed, missing_seconds, plain_samples
from whisper_endpoint.errors import AudioNotDecodable, AudioTooLong

TEN = Limits(seconds=10)


def encoded(container: str, codec: str, rate: int = 16_000) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(clip_samples()[None], format="s16", layout="mono")
        frame.rate = 16_000
        resampler = av.AudioResampler(stream.format, stream.layout, rate, stream.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def with_lengths(riff: int, data: int) -> bytes:
    return CLIP[:4] + struct.pack("<I", riff) + CLIP[8:40] + struct.pack("<I", data) + CLIP[44:]


def test_a_wav_file_is_its_samples() -> None:
    audio = decode(CLIP, TEN)
    assert audio.samples.dtype == np.float32
    assert np.array_equal(audio.samples, clip_samples() / np.float32(32768))
    assert audio.duration == len(clip_samples()) / 16_000
    with pytest.raises(ValueError, match="read-only"):
        audio.samples[0] = 1


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("mp3", "libmp3lame"),
        ("mp4", "aac"),
        ("wav", "pcm_mulaw"),
    ],
)
def test_containers_and_codecs(container: str, codec: str) -> None:
    rate = {"libopus": 48_000, "pcm_mulaw": 8_000}.get(codec, 16_000)
    samples = decode(encoded(container, codec, rate), TEN).samples
    original = clip_samples() / 32768
    assert abs(len(samples) - len(original)) < 4_000
    length = min(len(samples), len(original))
    spectra = [np.abs(np.fft.rfft(x[:length]))[:8_000] for x in (samples, original)]
    assert np.corrcoef(spectra)[0, 1] > 0.9


def test_channels_are_mixed_and_rates_converted() -> None:
    tone = np.sin(np.arange(44_100) * 2 * np.pi * 440 / 44_100) * 16_000
    both = np.stack([tone, np.zeros_like(tone)], axis=1).astype(np.int16)
    samples = decode(wav(both, rate=44_100, channels=2), TEN).samples
    assert abs(len(samples) - 16_000) < 200
    assert np.argmax(np.abs(np.fft.rfft(samples[:16_000]))) == pytest.approx(440, abs=2)
    assert 0.2 < np.abs(samples).max() < 0.4


@pytest.mark.parametrize(
    ("riff", "data"),
    [(0, 0), (2**32 - 1, 2**32 - 1), (10**8, 10**8), (36, 0), (1_000, 964), (1_001, 965)],
)
def test_a_streamed_header_loses_nothing(riff: int, data: int) -> None:
    assert len(decode(with_lengths(riff, data), TEN).samples) == len(clip_samples())


@pytest.mark.parametrize("samples", [b"NNNNOOOO" * 1_000, b"~~}|" * 2_000])
def test_samples_that_look_like_a_chunk_are_samples(samples: bytes) -> None:
    """So do those of G.711, and the padding of some encoders."""
    audio = decode(with_lengths(36 + 40_000, 40_000)[:40_044] + samples, TEN)
    assert len(audio.samples) == (40_000 + 8_000) // 2
    assert audio.warnings == (
        "8,000 bytes behind the samples that the header counts were taken for more of them.",
    )


def test_an_honest_header_with_a_chunk_behind_is_believed() -> None:
    tagged = CLIP + b"LIST" + struct.pack("<I", 10) + b"INFOISFT12"
    for one in (tagged, tagged[:-2]):
        assert not is_streamed(BytesInMemory(one))
        assert len(decode(one, TEN).samples) == len(clip_samples())


def chunk(name: bytes, length: int, padding: bytes = b"") -> bytes:
    return name + struct.pack("<I", length) + b"x" * length + padding


@pytest.mark.parametrize("padding", [b"", b"\0", b"g"])
@pytest.mark.parametrize("name", [b"LIST", b"JUNK", b"abcd"])
@pytest.mark.parametrize("place", [12, 36, len(CLIP)], ids=["first", "before samples", "after"])
@pytest.mark.parametrize("rate", [16_000, 8_000], ids=["plain", "decoded"])
def test_a_chunk_of_odd_length_needs_no_padding(
    rate: int, place: int, name: bytes, padding: bytes
) -> None:
    clip = wav(clip_samples(), rate)
    odd = chunk(name, 7, padding) + (chunk(b"LIST", 4) if place == len(clip) else b"")
    audio = decode(clip[:place] + odd + clip[place:], TEN)
    assert audio.warnings == ()
    assert np.array_equal(audio.samples, decode(clip, TEN).samples)


def test_samples_of_odd_length_need_no_padding() -> None:
    samples = bytes(range(256)) * 33 + b"\x7f"
    form = struct.pack("<HHIIHH", 7, 1, 8_000, 8_000, 1, 8)
    start = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    data = start + b"data" + struct.pack("<I", len(samples)) + samples + chunk(b"LIST", 4)
    audio = decode(b"RIFF" + struct.pack("<I", len(data)) + data, TEN)
    assert audio.warnings == ()
    assert len(audio.samples) == 2 * len(samples)


def test_what_live_clients_send_needs_no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(wav_files, "plain_samples", lambda _: None)
        through_ffmpeg = decode(CLIP, TEN).samples
    monkeypatch.setattr("av.open", lambda *_, **__: pytest.fail("opened"))
    for data in (CLIP, with_lengths(0, 0), CLIP + b"LIST" + struct.pack("<I", 4) + b"INFO"):
        assert np.array_equal(decode(data, TEN).samples, through_ffmpeg)
    assert len(decode(CLIP[:-3], TEN).samples) == len(clip_samples()) - 2
    with pytest.raises(AudioTooLong):
        decode(CLIP, Limits(seconds=1))


@pytest.mark.parametrize(
    "data",
    [
        wav(silence(1), rate=8_000),
        wav(silence(1), channels=2),
        CLIP[:20] + b"\x03" + CLIP[21:],
        CLIP[:34] + b"\x08" + CLIP[35:],
        CLIP[:44],
        CLIP[:30],
        b"RIFX" + CLIP[4:],
        b"",
    ],
)
def test_any_other_file_is_left_to_the_decoder(data: bytes) -> None:
    assert plain_samples(BytesInMemory(data)) is None
    assert plain_samples(BytesInMemory(CLIP)) is not None


@given(st.binary(max_size=200))
def test_plain_samples_take_anything(tail: bytes) -> None:
    for start in (b"", b"RIFF\0\0\0\0WAVE", CLIP[:36], CLIP[:44]):
        plain = plain_samples(BytesInMemory(start + tail))
        assert plain is None or len(plain) // 2 <= (len(start + tail) - 44) // 2


@given(st.binary(max_size=200))
def test_lengths_take_anything(tail: bytes) -> None:
    for start in (b"", b"RIFF", b"RIFF\0\0\0\0WAVE", CLIP[:40], CLIP[:44]):
        assert is_streamed(BytesInMemory(start + tail)) in {True, False}
        assert missing_seconds(BytesInMemory(start + tail), 1.0) >= 0
        assert missing_seconds(BytesInMemory(start + tail), 0.0) >= 0
        assert len(wav_files.padded(BytesInMemory(start + tail))) >= len(start + tail)


def test_no_samples_are_silence() -> None:
    assert decode(wav(silence(0)), TEN).duration == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, this is text",
        CLIP[:30],
        bytes(1000),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
    ],
)
def test_what_is_no_audio(data: bytes) -> None:
    with pytest.raises(AudioNotDecodable, match="could not be decoded: send a file") as caught:
        decode(data, TEN)
    assert caught.value.status == 422


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("call.wav", data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("pack", "name"),
    [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz"), (zipped, "ZIP")],
)
def test_a_packed_file_is_refused_by_the_name_of_its_packer(
    pack: Callable[[bytes], bytes], name: str
) -> None:
    with pytest.raises(AudioNotDecodable, match=f"are packed with {name}: send the audio file it"):
        decode(pack(CLIP), TEN)


def test_containers_that_are_not_for_audio_files_are_not_opened(tmp_path: Path) -> None:
    local = tmp_path / "secret.wav"
    local.write_bytes(CLIP)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{local}\n#EXT-X-ENDLIST\n"
    binaural = b"SBG 1.0\nNOW tone\ntone: 200+10/50\n"
    for data in (playlist.encode(), binaural, b";FFMETADATA1\ntitle=x\n"):
        with pytest.raises(AudioNotDecodable):
            decode(data, TEN)


def test_decoding_stops_at_the_limit() -> None:
    long = encoded_silence(3600)
    assert len(long) < 3_000_000
    with pytest.raises(AudioTooLong, match="longer than 5 seconds") as caught:
        decode(long, Limits(seconds=5))
    assert caught.value.status == 413


def encoded_silence(seconds: int) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as file:
        stream = file.add_stream("flac", rate=16_000, layout="mono")
        for number in range(seconds):
            frame = av.AudioFrame.from_ndarray(silence(1)[None], format="s16", layout="mono")
            frame.rate, frame.pts = 16_000, number * 16_000
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def test_damage_further_in_keeps_what_came_before() -> None:
    whole = encoded("flac", "flac")
    audio = decode(whole[: len(whole) // 2], TEN)
    assert 8_000 < len(audio.samples) < len(clip_samples())
    (warning,) = audio.warnings
    assert warning.startswith("The recording is 1.")


def test_samples_that_are_no_numbers_become_finite() -> None:
    header = CLIP[:20] + struct.pack("<HHIIHH", 3, 1, 16_000, 64_000, 4, 32)
    body = np.full(16_000, np.nan, "<f4").tobytes()
    data = header + b"data" + struct.pack("<I", len(body)) + body
    assert np.isfinite(decode(data, TEN).samples).all()
