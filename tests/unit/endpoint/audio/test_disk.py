# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is fetched block by block and put on disk is what it would be in memory."""

import errno
import gc
import os
import re
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.endpoint.helpers import CLIP, clip_samples, silence, wav
from tests.unit.endpoint.media import encoded, tone, with_tracks
from whisper_endpoint import errors
from whisper_endpoint.audio import content
from whisper_endpoint.audio.content import BytesElsewhere, BytesInMemory, FileBytes
from whisper_endpoint.audio.decode import Audio, Limits, decode, decode_channels
from whisper_endpoint.audio.disk import Disk, DiskFile, DiskLine, StoredSamples
from whisper_endpoint.audio.features import Features
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.ingress.preparation import Recording, record
from whisper_endpoint.messages import Parameters

LIMITS = Limits(seconds=120)
DISK = Disk(10**9)
SPOKEN = np.concatenate([silence(1.3), clip_samples(), silence(2.7), clip_samples() // 30])


def elsewhere(data: bytes) -> BytesElsewhere:
    return BytesElsewhere(len(data), lambda start, end: data[start:end])


def damaged(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(len(data) // 8) + data[middle + len(data) // 8 :]


FILES = {
    "plain": wav(SPOKEN),
    "odd": wav(SPOKEN)[:-3],
    "telephone": wav(SPOKEN[::2], rate=8_000),
    "stereo": wav(np.stack([SPOKEN, SPOKEN[::-1]], axis=1), channels=2),
    "doubled": wav(np.repeat(SPOKEN[::2], 2)),
    "doubled from its middle": wav(np.repeat(SPOKEN[::2], 2)[1:]),
    "moov at the end": encoded(SPOKEN, "mp4", "aac"),
    "no header of its length": encoded(SPOKEN, "mp3", "libmp3lame"),
    "late": encoded(tone(3), "matroska", "flac", starts=[(0, 8.0)]),
    "hole": encoded(tone(8), "ogg", "libopus", 48_000, starts=[(64_000, 20.0)]),
    "damaged": damaged(encoded(tone(8), "flac", "flac")),
    "cut short": encoded(SPOKEN, "flac", "flac")[:-9_000],
    "one after another": encoded(SPOKEN, "flac", "flac") + encoded(tone(2), "flac", "flac"),
    "tracks": with_tracks(SPOKEN, silence(9), tone(5)),
    "behind tags": b"ID3\x03\0\0\0\0\0\x05tag..ID3\x03\0\0\0\0\0\0" + CLIP,
    "empty": wav(silence(0)),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("by_channel", [False, True])
def test_samples_and_warnings_are_the_same(
    name: str, by_channel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With small blocks, so that everything stands across two of them somewhere."""
    monkeypatch.setattr(content, "BLOCK_BYTES", 1_009)
    data = FILES[name]
    if by_channel:
        whole: tuple[Audio[Any], ...] = decode_channels(data, LIMITS)
        streamed: tuple[Audio[Any], ...] = decode_channels(elsewhere(data), LIMITS, disk=DISK)
    else:
        whole, streamed = (decode(data, LIMITS),), (decode(elsewhere(data), LIMITS, disk=DISK),)
    assert len(whole) == len(streamed)
    for one, other in zip(whole, streamed, strict=True):
        assert isinstance(other.samples, StoredSamples)
        assert np.array_equal(other.samples[:], one.samples)
        assert other.warnings == one.warnings
        assert other.duration == one.duration


@pytest.mark.parametrize("form", [RawForm("mulaw", 8_000), RawForm("pcm16", 16_000, 2)])
def test_raw_samples_are_the_same(form: RawForm) -> None:
    data = np.random.default_rng(1).bytes(150_001)
    for kind in (decode, decode_channels):
        whole, streamed = kind(data, LIMITS, form), kind(elsewhere(data), LIMITS, form, disk=DISK)
        for one, other in zip(
            whole if isinstance(whole, tuple) else (whole,),
            streamed if isinstance(streamed, tuple) else (streamed,),
            strict=True,
        ):
            assert np.array_equal(other.samples[:], one.samples[:])


@pytest.mark.parametrize("name", ["stereo", "doubled", "hole", "tracks", "plain"])
def test_speech_windows_and_features_are_the_same(name: str) -> None:
    data, features = FILES[name] * (1 + 2 * (name == "plain")), Features(80)
    recordings = [
        record(audio, features, Parameters())
        for audio in (decode(data, LIMITS), decode(elsewhere(data), LIMITS, disk=DISK))
    ]
    whole, streamed = (one.piece(0) for one in recordings)
    assert [one.window for one in streamed.windows] == [one.window for one in whole.windows]
    assert [one.speech for one in streamed.windows] == [one.speech for one in whole.windows]
    for one, other in zip(streamed.windows, whole.windows, strict=True):
        assert np.array_equal(one.features, other.features)


def test_windows_are_found_when_they_are_wanted() -> None:
    spoken = np.concatenate([clip_samples(), silence(17)])
    audio = decode(wav(np.tile(spoken, 6)), LIMITS)
    looked: list[int] = []
    recording: Recording = record(
        audio, Features(80), Parameters(), pause_s=1.0, check=lambda: looked.append(1)
    )
    assert not looked
    assert recording.windows[0]
    early = len(looked)
    assert recording.windows[5]
    assert 0 < early < len(looked)
    assert len(recording.windows) == 6


def test_a_failure_that_the_decoder_takes_for_an_end_is_one() -> None:
    data = FILES["no header of its length"]

    def fetch(start: int, end: int) -> bytes:
        if end > 1_009 * 12:
            raise errors.SourceNotFetchable("The object was overwritten: ask again.")
        return data[start:end]

    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(errors.SourceNotFetchable, match="was overwritten"),
    ):
        patch.setattr(content, "BLOCK_BYTES", 1_009)
        decode(BytesElsewhere(len(data), fetch), LIMITS, disk=DISK)


@pytest.mark.parametrize("kind", [BytesInMemory, elsewhere])
def test_marks_are_found_across_blocks(
    kind: Callable[[bytes], FileBytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "BLOCK_BYTES", 10)
    data = b"0123456mark0123mark9"
    found = kind(data)
    places = [list(found.places(re.compile(b"mark"), at)) for at in (0, 7, 8, 16)]
    assert places == [[7, 15], [7, 15], [15], []]
    assert found.part(4, 12)[:] == data[4:12]
    assert found.part(4, 12)[-3:] == data[9:12]
    assert found[3:3] == found[30:] == b""
    assert found.startswith(b"mark", 7)


def test_room_is_bounded_and_given_back() -> None:
    disk = Disk(1_000)
    line = DiskLine(disk)
    line.add(100, np.ones(300, np.int16))
    assert disk.used_bytes == 800
    with pytest.raises(errors.Overloaded, match="no room for the recording") as caught:
        DiskFile(disk).write(0, bytes(201))
    assert caught.value.status == 503
    samples = line.finish(500, 1)
    del line
    assert np.array_equal(samples[:] * 32768, np.repeat([0, 1, 0], [100, 300, 100]))
    assert disk.used_bytes == 800
    del samples
    gc.collect()
    assert disk.used_bytes == 0


def test_a_full_disk_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(errors.Overloaded, match="no space left on device"):
        decode(CLIP, LIMITS, disk=Disk(10**9))


def test_what_is_written_in_parts_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: write(file, data[:7], at))
    file = DiskFile(DISK)
    file.write(3, bytes(range(100)))
    assert file.read(0, 200) == bytes(3) + bytes(range(100))


_KILLED = """
import sys
from whisper_endpoint.audio.disk import Disk, DiskFile
file = DiskFile(Disk(10**9))
file.write(0, bytes(10**6))
print("written", flush=True)
sys.stdin.read()
"""


def test_nothing_is_left_where_a_process_is_killed(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _KILLED],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "written\n"
        assert list(tmp_path.iterdir()) == []  # it has no name even now
        child.send_signal(signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def test_little_is_held_of_a_long_recording() -> None:
    """Ten minutes, of which the samples would take 38 MB; benchmarks.recordings has hours."""
    part = np.tile(np.concatenate([clip_samples(), silence(2)]), 20)
    block, count = part.tobytes(), 6
    header = wav(part)[:40] + (count * len(block)).to_bytes(4, "little")

    def fetch(start: int, end: int) -> bytes:
        at = max(0, start - len(header)) % len(block)
        samples = (block[at:] + block)[: end - max(start, len(header))]
        return header[start:end] + samples

    hour = BytesElsewhere(len(header) + count * len(block), fetch)
    tracemalloc.start()
    try:
        audio = decode(hour, Limits(seconds=3_600), disk=DISK)
        recording = record(audio, Features(80), Parameters())
        assert len(recording.windows) > 12
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert audio.duration > 500
    assert peak < 30e6
