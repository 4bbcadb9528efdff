# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Every kind of file that docs/requests.md promises."""

import base64
import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.generate.contract_page import PAGE
from tests.unit.endpoint.helpers import CLIP, clip_samples
from tests.unit.endpoint.media import encoded, tone
from whisper_endpoint.audio import containers
from whisper_endpoint.audio.containers import CONTAINERS
from whisper_endpoint.audio.content import BytesInMemory
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.raw import FORMS_OF_NAMES, RawForm, form_of_name
from whisper_endpoint.audio.sources import InlineAudio, S3Audio, UrlAudio, raw_form
from whisper_endpoint.errors import AudioNotDecodable, DeadlineExceeded
from whisper_endpoint.parsing import audio_body

MINUTE = Limits(seconds=60)
# FFmpeg's muxer and encoder of each, and a rate that the encoder takes.
ENCODED = {
    "wav": ("wav", "adpcm_ms", 16_000),
    "w64": ("w64", "pcm_s16le", 16_000),
    "aiff": ("aiff", "pcm_s24be", 16_000),
    "au": ("au", "pcm_mulaw", 16_000),
    "caf": ("caf", "pcm_s16be", 16_000),
    "mp3": ("mp3", "libmp3lame", 16_000),
    "aac": ("adts", "aac", 16_000),
    "loas": ("latm", "aac", 16_000),
    "flac": ("flac", "flac", 16_000),
    "ogg": ("ogg", "libopus", 48_000),
    "mov": ("mp4", "aac", 16_000),
    "matroska": ("matroska", "libopus", 48_000),
    "mpegts": ("mpegts", "mp2", 16_000),
    "mpeg": ("mpeg", "mp2", 16_000),
    "avi": ("avi", "libmp3lame", 16_000),
    "asf": ("asf", "wmav2", 16_000),
    "flv": ("flv", "libmp3lame", 44_100),
    "gxf": ("gxf", "pcm_s16le", 48_000),
    "nut": ("nut", "pcm_s16le", 16_000),
    "rm": ("rm", "ac3", 48_000),
    "wtv": ("wtv", "ac3", 48_000),
    "ac3": ("ac3", "ac3", 48_000),
    "eac3": ("eac3", "eac3", 48_000),
    "amr": ("amr", "libopencore_amrnb", 8_000),
    "wv": ("wv", "wavpack", 16_000),
    "tta": ("tta", "tta", 16_000),
    "voc": ("voc", "pcm_s16le", 16_000),
    "sox": ("sox", "pcm_s32le", 16_000),
    "ircam": ("ircam", "pcm_s16le", 16_000),
}
# Of these PyAV has no encoder, or no muxer: the decoders of what they hold.
ONLY_DECODED = {
    "mxf": {"pcm_s16le", "pcm_s24le", "s302m"},
    "dv": {"dvaudio"},
    "dts": {"dca"},
    "truehd": {"truehd"},
    "mlp": {"mlp"},
    "gsm": {"gsm"},
    "ape": {"ape"},
    "tak": {"tak"},
    "mpc": {"mpc7"},
    "mpc8": {"mpc8"},
    "shn": {"shorten"},
    "nistsphere": {"pcm_s16le", "pcm_mulaw"},
    "pvf": {"pcm_s16be"},
    "dss": {"dss_sp"},
    "qcp": {"qcelp"},
    "ilbc": {"ilbc"},
    "dsf": {"dsd_lsbf"},
    "oma": {"atrac3", "atrac3p"},
}


def test_no_kind_is_left_out() -> None:
    assert not ENCODED.keys() & ONLY_DECODED.keys()
    assert ENCODED.keys() | ONLY_DECODED.keys() == CONTAINERS.keys()
    for title, extensions in CONTAINERS.values():
        names = ", ".join(f"`.{one}`" for one in extensions.split())
        assert f"| {title} | {names} |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ENCODED)
def test_what_can_be_made_is_heard(kind: str) -> None:
    data = encoded(tone(2), *ENCODED[kind])
    with containers.open_container(BytesInMemory(data), MINUTE) as file:
        assert file.format.name.split(",")[0] in {kind, "mov"}
    audio = decode(data, MINUTE)
    assert audio.duration == pytest.approx(2, abs=0.5 if kind == "gxf" else 0.12)
    assert audio.warnings == ()
    spectrum = np.abs(np.fft.rfft(audio.samples[:32_000]))
    assert np.argmax(spectrum) / 2 == pytest.approx(440, abs=5)


@pytest.mark.parametrize("kind", ONLY_DECODED)
def test_what_cannot_be_made_has_its_decoders(kind: str) -> None:
    assert kind in av.formats_available
    decoders = set(containers._audio_codecs().split(",")) | {"atrac3p"}
    assert decoders >= ONLY_DECODED[kind]


def test_raw_gsm_and_a_nist_file() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (100, 33), np.uint8)
    frames[:, 0] = 0xD0 | frames[:, 0] & 0x0F
    assert decode(frames.tobytes(), MINUTE).duration == 2
    header = (
        b"NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i 16000\nsample_rate -i 16000\n"
        b"sample_n_bytes -i 2\nsample_byte_format -s2 01\nsample_coding -s3 pcm\nend_head\n"
    )
    samples = decode(header.ljust(1024) + tone(1).tobytes(), MINUTE).samples
    assert np.array_equal(samples * 32768, tone(1))


def wav_of(tag: int, bits: int, body: bytes, rate: int = 16_000) -> bytes:
    width = max(1, bits // 8)
    form = struct.pack("<HHIIHH", tag, 1, rate, rate * width, width, bits)
    rest = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(body))
    return b"RIFF" + struct.pack("<I", len(rest) + len(body)) + rest + body


@pytest.mark.parametrize(
    ("tag", "bits", "dtype", "scale"),
    [(3, 32, "<f4", 1 / 32768), (3, 64, "<f8", 1 / 32768), (1, 32, "<i4", 65536)],
)
def test_other_samples_in_wav(tag: int, bits: int, dtype: str, scale: float) -> None:
    body = (tone(1).astype(np.float64) * scale).astype(dtype).tobytes()
    samples = decode(wav_of(tag, bits, body), MINUTE).samples
    assert np.allclose(samples * 32768, tone(1), atol=1)


def test_24_bits_and_8_bits_in_wav() -> None:
    whole = np.zeros((16_000, 3), np.uint8)
    whole[:, 1:] = tone(1).view(np.uint8).reshape(-1, 2)
    assert np.array_equal(decode(wav_of(1, 24, whole.tobytes()), MINUTE).samples * 32768, tone(1))
    bytes_of_8 = (tone(1) // 256 + 128).astype(np.uint8).tobytes()
    assert np.allclose(decode(wav_of(1, 8, bytes_of_8), MINUTE).samples * 32768, tone(1), atol=300)


@pytest.mark.parametrize(
    ("length", "warned"), [(len(CLIP) - 44, 0), (0, 0), (40_000, 47_680)], ids=str
)
def test_rf64(length: int, warned: int) -> None:
    audio = decode(rf64(length, 0xFFFF_FFFF, CLIP[12:36], CLIP[44:]), MINUTE)
    assert np.array_equal(audio.samples * 32768, clip_samples())
    assert [one.partition(" ")[0] for one in audio.warnings] == [f"{warned:,}"] * bool(warned)


def rf64(long_length: int, length: int, form: bytes, samples: bytes, rest: bytes = b"") -> bytes:
    riff = long_length and long_length + 72
    sizes = struct.pack("<QQQI", riff, long_length, long_length // 2, 0)
    head = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", len(sizes)) + sizes
    return head + form + b"data" + struct.pack("<I", length) + samples + rest


def test_rf64_may_say_its_length_as_wav_does() -> None:
    rest = b"LIST" + struct.pack("<I", 20_000) + bytes(20_000)
    samples = CLIP[44:]
    audio = decode(rf64(0, len(samples), CLIP[12:36], samples, rest), MINUTE)
    assert np.array_equal(audio.samples * 32768, clip_samples())
    assert audio.warnings == ()


def test_bits_that_do_not_count_do_not_change_the_others_in_rf64() -> None:
    pcm = bytes.fromhex("0100000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 64_000, 4, 32, 22, 24, 4) + pcm
    samples = (clip_samples().astype("<i4") << 16).tobytes()
    head = b"fmt " + struct.pack("<I", len(form)) + form
    audio = decode(rf64(len(samples), 0xFFFF_FFFF, head, samples), MINUTE)
    assert np.array_equal(audio.samples * 32768, clip_samples())


@pytest.mark.parametrize("name", [b"LGWV", b"LIST", b"umid"])
@pytest.mark.parametrize("padding", [b"", b"\0"], ids=len)
@pytest.mark.parametrize("is_long", [False, True])
def test_a_last_chunk_of_odd_length_is_no_audio(
    name: bytes, padding: bytes, *, is_long: bool
) -> None:
    rest = name + struct.pack("<I", 20_001) + b"a" * 20_001 + padding
    samples = CLIP[44:]
    short = CLIP + rest
    long = rf64(len(samples), 0xFFFF_FFFF, CLIP[12:36], samples, rest)
    audio = decode(long if is_long else short, MINUTE)
    assert np.array_equal(audio.samples * 32768, clip_samples())
    assert audio.warnings == ()


@pytest.mark.parametrize("valid", [0, 12, 20, 25])
def test_a_number_of_valid_bits_changes_nothing(valid: int) -> None:
    pcm = bytes.fromhex("0100000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 32_000, 2, 16, 22, valid, 4) + pcm
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(form)) + form
    audio = decode(head + b"data" + CLIP[40:], MINUTE)
    assert np.array_equal(audio.samples * 32768, clip_samples())


def rifx(tag: int, bits: int, body: bytes) -> bytes:
    width = bits // 8
    form = struct.pack(">IHHIIHH", 16, tag, 1, 16_000, 16_000 * width, width, bits)
    data = b"WAVEfmt " + form + b"data" + struct.pack(">I", len(body)) + body
    return b"RIFX" + struct.pack(">I", len(data)) + data


@pytest.mark.parametrize(("tag", "dtype"), [(1, ">i2"), (1, ">i4"), (3, ">f4")])
def test_samples_in_the_wrong_order_of_bytes_are_refused(tag: int, dtype: str) -> None:
    samples = clip_samples().astype(dtype)
    with pytest.raises(AudioNotDecodable, match="RIFX"):
        decode(rifx(tag, 8 * samples.itemsize, samples.tobytes()), MINUTE)


def test_samples_of_a_byte_have_no_order() -> None:
    body = encoded(clip_samples(), "wav", "pcm_mulaw")[-len(clip_samples()) :]
    heard = decode(rifx(7, 8, body), MINUTE).samples
    assert np.array_equal(heard, decode(wav_of(7, 8, body), MINUTE).samples)
    assert np.abs(heard).max() > 0.1


@pytest.mark.parametrize("tags", [1, 2])
def test_a_file_behind_an_id3_tag(tags: int) -> None:
    tag = b"ID3\x03\0\0" + bytes([0, 0, 2, 0]) + bytes(256)
    for data in (CLIP, encoded(clip_samples(), "flac", "flac")):
        assert len(decode(tag * tags + data, MINUTE).samples) == len(clip_samples())


def test_g722_and_other_raw_samples_by_their_names() -> None:
    encoder: Any = av.CodecContext.create("g722", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 16_000, "mono", "s16"
    encoder.time_base = Fraction(1, 16_000)
    frame = av.AudioFrame.from_ndarray(tone(2)[None], format="s16", layout="mono")
    frame.rate = 16_000
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    form = raw_form(S3Audio("s3://bucket/calls/1.G722"), data)
    audio = decode(data, MINUTE, form)
    assert audio.duration == 2
    assert np.argmax(np.abs(np.fft.rfft(audio.samples))) / 2 == pytest.approx(440, abs=1)
    for name, form in FORMS_OF_NAMES.items():
        assert raw_form(UrlAudio(f"https://example.com/a.{name}?b=c.wav"), data) == form
        assert form_of_name(f"a.{name}", CLIP) is None
    assert form_of_name("g722", data) is None
    assert raw_form(InlineAudio(data), data) is None
    assert raw_form(S3Audio("s3://bucket/call.wav"), CLIP) is None


# 440 Hz, by Belledonne's encoder.
G729_TONE = base64.b64decode(
    "i3vAoAD6wjIB/I3eDRkLlaohZQGNsk2JC2owucPBCPLM4DDDEkbjGI23TQpcU3C/M1cNt80a+PNwBAz3CNvM9gKaMsNc"
    "wY2yTOCmqjJzVFENskzpMaJyvqUTDfYNCn1TTn1T+iZkTLtQCjEdEsEjsE0GgPrvsEFTDbJalZCS8ZHbtw222pAOWPB6"
    "NFEN8Az6VrtydYMaTXNNVdNTcFmKyw3eDD388jSS3lGNskzg2CIyJ0XRJvRMoraDEdtH2g23zPtp2jM+9lEMdFrApqAx"
    "NoKBI9jM6XAy8VOtUwXa2pU4mjGoeZMtsnLDM8ZxosTR"
)


@pytest.mark.parametrize("times", [1, 40], ids=["short", "several packets"])
def test_g729_is_decoded(times: int) -> None:
    frames = len(G729_TONE) // 10
    data = G729_TONE * times + G729_TONE[:3]  # the last frame is incomplete
    for form in (form_of_name("a.g729", data), audio_body.raw_form("audio/g729", {})):
        audio = decode(data, MINUTE, form)
        assert audio.duration == pytest.approx(frames * times / 100, abs=0.001)
        spectrum = np.abs(np.fft.rfft(audio.samples))
        assert np.argmax(spectrum) / audio.duration == pytest.approx(440, abs=5)


def test_vox_is_decoded() -> None:
    # A square wave: the largest steps up for four samples, then down, two samples to a byte.
    data = bytes.fromhex("7777ffff") * 2_000
    audio = decode(data, MINUTE, form_of_name("a.vox", data))
    assert audio.duration == 2
    assert np.argmax(np.abs(np.fft.rfft(audio.samples))) / 2 == pytest.approx(1_000, abs=1)


@pytest.mark.parametrize("name", FORMS_OF_NAMES)
@given(data=st.binary(min_size=1, max_size=3_000))
@settings(max_examples=20)
def test_raw_samples_are_anything(name: str, data: bytes) -> None:
    audio = decode(data, MINUTE, FORMS_OF_NAMES[name])
    assert np.abs(audio.samples).max(initial=0) <= 1


def test_a_cover_is_not_looked_at() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        sound: Any = file.add_stream("aac", rate=16_000, layout="mono")
        cover: Any = file.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 64
        cover.pix_fmt = "yuvj420p"
        image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        file.mux(cover.encode(image))
        file.mux(cover.encode(None))
        frame = av.AudioFrame.from_ndarray(tone(2)[None], format="s16", layout="mono")
        frame.rate = 16_000
        resampler = av.AudioResampler(sound.format, sound.layout, 16_000, 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(sound.encode(part))
        file.mux(sound.encode(None))
    assert decode(buffer.getvalue(), MINUTE).duration == pytest.approx(2, abs=0.12)


def test_a_file_that_names_others_opens_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.wav").write_bytes(CLIP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(containers.CONTAINERS, "concat", ("a list of files", "ffconcat"))
    names_another = BytesInMemory(b"ffconcat version 1.0\nfile other.wav\n")
    with pytest.raises(av.error.FFmpegError):
        containers.open_container(names_another, Limits(seconds=60))


def test_reading_ends_with_the_deadline() -> None:
    reader = containers.BoundedReader(BytesInMemory(CLIP), Limits(seconds=60, deadline=0))
    with pytest.raises(DeadlineExceeded):
        reader.read(1)
    with pytest.raises(DeadlineExceeded):
        reader.seek(0)


def test_raw_samples_end_with_the_deadline() -> None:
    late = Limits(seconds=60, deadline=0)
    with pytest.raises(DeadlineExceeded):
        decode(bytes(16_000), late, RawForm("pcm16", 16_000))
