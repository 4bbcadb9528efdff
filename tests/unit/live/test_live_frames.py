# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import wave
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from live.errors import CallFileError
from live.frames import Call, read_call, split_pcm

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, pcm: bytes, channels: int = 2, width: int = 2, rate: int = 8000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


def test_interleaved_samples_come_apart_in_their_order() -> None:
    pcm = np.array([1, -1, 2, -2, 32767, -32768], "<i2").tobytes()
    assert split_pcm(pcm).T.tolist() == [[1, 2, 32767], [-1, -2, -32768]]


def test_half_a_pair_of_samples_is_refused() -> None:
    with pytest.raises(CallFileError, match=r"6 bytes.*four bytes"):
        split_pcm(b"\0" * 6)


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
    with pytest.raises(CallFileError, match="not a PCM WAV file"):
        read_call(path)


def test_a_compressed_wav_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", b"\0" * 16)
    data = bytearray(path.read_bytes())
    data[20] = 7  # the format tag of mu-law
    path.write_bytes(data)
    with pytest.raises(CallFileError, match="unknown format: 7"):
        read_call(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CallFileError, match="There is no file"):
        read_call(tmp_path / "absent.wav")
    with pytest.raises(CallFileError, match="cannot be read: Is a directory"):
        read_call(tmp_path)


def test_a_file_cut_in_the_middle_of_a_sample_keeps_what_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", np.arange(8, dtype="<i2").tobytes())
    path.write_bytes(path.read_bytes()[:-3])
    assert read_call(path).samples.tolist() == [[0, 1], [2, 3], [4, 5]]
