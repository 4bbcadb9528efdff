# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import io
import tracemalloc
import wave
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from live_whisper.audio import call_file
from live_whisper.audio.call_file import Call, parse_call, read_bytes, read_call
from live_whisper.errors import CallFileError

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, pcm: bytes, channels: int = 2, width: int = 2, rate: int = 8000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_wav_file_is_read_whole(tmp_path: Path, rate: int) -> None:
    samples = np.arange(-50, 50, dtype="<i2").reshape(-1, 2)
    call = read_call(write(tmp_path / "call.wav", samples.tobytes(), rate=rate))
    assert call.sample_rate == rate
    assert np.array_equal(call.samples, samples)
    assert call.seconds == 50 / rate


def test_chunks_are_as_long_as_asked_and_lose_nothing() -> None:
    call = Call(8000, np.arange(4000, dtype=np.int16).reshape(-1, 2))
    chunks = list(call.chunks(100))
    assert [len(chunk) for chunk in chunks] == [800, 800, 400]
    assert np.array_equal(np.concatenate(chunks), call.samples)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"channels": 1}, "1 channel.*needs two"),
        ({"width": 1}, "8-bit samples.*16-bit"),
        ({"rate": 44100}, "44100 Hz.*8000 or 16000"),
        ({"pcm": b""}, "holds no audio"),
    ],
)
def test_what_is_no_call_is_refused_with_the_remedy(
    tmp_path: Path, form: dict[str, Any], said: str
) -> None:
    with pytest.raises(CallFileError, match=said):
        read_call(write(tmp_path / "call.wav", **{"pcm": b"\0" * 16, **form}))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3 this is no wave file at all"])
def test_a_file_that_is_no_wav_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    with pytest.raises(CallFileError, match="not a WAV file"):
        read_call(path)


@pytest.mark.parametrize(("tag", "codec"), [(6, "pcm_alaw"), (7, "pcm_mulaw")])
def test_telephone_codes_in_a_wav_are_expanded(tag: int, codec: str) -> None:
    samples = np.arange(-6000, 6000, 3, dtype=np.int16).reshape(-1, 2)
    call = parse_call(wav_by_ffmpeg(samples, codec), "call.wav")
    assert call.sample_rate == 8000
    assert call.samples.shape == samples.shape
    # G.711 keeps a thirtieth of the loudness.
    assert np.abs(call.samples.astype(int) - samples).max() < 200


def wav_by_ffmpeg(samples: Any, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as container:
        stream = container.add_stream(codec, rate=8000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def test_another_codec_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", b"\0" * 16)
    data = bytearray(path.read_bytes())
    data[20] = 2  # the format tag of ADPCM
    path.write_bytes(data)
    with pytest.raises(CallFileError, match=r"format 2.*mu-law or A-law"):
        read_call(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CallFileError, match="There is no file"):
        read_call(tmp_path / "absent.wav")
    with pytest.raises(CallFileError, match=r"cannot be read \(Is a directory\); name a "):
        read_call(tmp_path)


def test_a_file_larger_than_any_request_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "call.wav", bytes(956))
    monkeypatch.setattr(call_file, "MOST_BYTES", 1_000)
    assert len(read_call(path).samples) == 239
    write(path, bytes(960))
    with pytest.raises(CallFileError, match=r"more than 2 GB; name a two-channel WAV file that is"):
        read_call(path)


def test_a_file_is_in_memory_once(tmp_path: Path) -> None:
    path, size = tmp_path / "meeting.wav", 32 << 20
    path.write_bytes(b"x" * size)
    tracemalloc.start()
    content = read_bytes(path, "an audio file")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert content == b"x" * size
    assert peak < 1.3 * size


def test_a_file_cut_in_the_middle_of_a_sample_keeps_what_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", np.arange(8, dtype="<i2").tobytes())
    path.write_bytes(path.read_bytes()[:-3])
    assert read_call(path).samples.tolist() == [[0, 1], [2, 3], [4, 5]]
