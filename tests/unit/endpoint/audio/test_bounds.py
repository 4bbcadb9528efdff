# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a small request may cost: no more than 400 MB above an idle process, and little time."""

import io
import os
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.endpoint.media import MP4_AUDIO, encoded, index_bomb, quicktime, tone
from whisper_contract import transcription_pb2 as pb
from whisper_endpoint import errors
from whisper_endpoint.audio.content import BytesInMemory
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.wav import plain_samples

MOST_MB = 400

_PEAK = """
import os, resource, struct, sys
import av, numpy
from whisper_endpoint import errors, parsing
from whisper_endpoint.audio import containers
from whisper_endpoint.audio.decode import Limits, decode, decode_channels
# A peak of memory is carried through exec, not through fork.
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
containers._audio_codecs()
data = sys.stdin.buffer.read()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    if sys.argv[1] == "parse":
        parsing.parse(data, "application/x-protobuf")
    else:
        {"mixed": decode, "channels": decode_channels}[sys.argv[1]](data, Limits(seconds=3600))
    said = "decoded"
except errors.EndpointError as refusal:
    said = refusal.code
print(said, (peak() - before) // 1024)
"""


def measured(data: bytes, how: str) -> tuple[str, int]:
    """Return the code of a refusal, or ``decoded``, and by how many MB the process grew."""
    answered = subprocess.run(
        [sys.executable, "-c", _PEAK, how],
        input=data,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
    )
    said, megabytes = answered.stdout.decode().split()
    return said, int(megabytes)


def pictures(tracks: int) -> bytes:
    """Return a film of large black pictures in many tracks, and no sound.

    Each is a little smaller than what FFmpeg may take at once, so that decoding it would take that.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mov") as file:
        streams: list[Any] = [file.add_stream("png", rate=1) for _ in range(tracks)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 1600, 1600, "rgb24"
        image = av.VideoFrame.from_ndarray(np.zeros((1600, 1600, 3), np.uint8), format="rgb24")
        picture = b"".join(
            bytes(packet) for given in (image, None) for packet in streams[0].encode(given)
        )
        for stream in streams:
            packet = av.Packet(picture)
            packet.stream, packet.pts, packet.dts = stream, 0, 0
            packet.time_base = Fraction(1, 1)
            file.mux(packet)
    return buffer.getvalue()


PICTURE = struct.pack(
    ">I4s6xH16xHHIIIH32xHh", 86, b"jpeg", 1, 4096, 4096, 0x480000, 0x480000, 0, 1, 24, -1
)
BOMBS = {
    "pictures": (pictures(17), "mixed", 60),
    "more pictures": (pictures(40), "mixed", 60),
    "indexes of pictures": (quicktime(18, PICTURE, b"vide", 330_000), "mixed", MOST_MB),
    "indexes of sound": (quicktime(60, MP4_AUDIO, b"soun", 330_000), "mixed", MOST_MB),
    "a hole of an hour": (
        encoded(tone(1), "matroska", "flac", starts=[(8000, 3590)]),
        "mixed",
        MOST_MB,
    ),
    "holes of channels": (
        encoded(tone(1), "matroska", "flac", channels=2, starts=[(8000, 1790)]),
        "channels",
        MOST_MB,
    ),
    "unknown fields": (b"\xc8\x3e\x01" * 2_700_000, "parse", 60),
    "fields of no use": (b"\x20\x00" * 4_000_000, "parse", 60),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_little_data_takes_little_memory(bomb: str) -> None:
    data, how, most = BOMBS[bomb]
    said, megabytes = measured(data, how)
    assert megabytes < most
    assert said in {"decoded", "AudioNotDecodable", "UnknownParameter", "MalformedBody"}


def test_a_wav_file_of_chunks_is_refused_at_once() -> None:
    for start in (b"", b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)):
        data = b"RIFF\xff\xff\xff\xffWAVE" + start + b"JUNK\0\0\0\0" * 100_000
        assert plain_samples(BytesInMemory(data)) is None
        with pytest.raises(
            errors.AudioNotDecodable, match="1,000 chunks before its samples: convert"
        ):
            decode(data, Limits(seconds=60))


def test_an_index_longer_than_a_recording_may_be_is_too_long() -> None:
    film = quicktime(1, MP4_AUDIO, b"soun", 3_000_000)
    hours = film.replace(
        struct.pack(">IIIIIHH", 0, 0, 0, 16_000, 1000, 0, 0),
        struct.pack(">IIIIIHH", 0, 0, 0, 16_000, 5 * 3600 * 16_000, 0, 0),
    )
    with pytest.raises(errors.AudioTooLong):
        decode(hours, Limits(seconds=3600))


def test_a_message_with_few_fields_is_read_as_before() -> None:
    message = pb.TranscribeRequest(audio=np.zeros(10, np.int16).tobytes(), partial=True)
    said, _ = measured(message.SerializeToString(), "parse")
    assert said == "decoded"


def test_a_list_of_more_frames_than_a_recording_has_is_refused() -> None:
    with pytest.raises(
        errors.AudioNotDecodable,
        match="has 2,640,000 frames, more than a recording of 3600 seconds can have: remux its",
    ):
        decode(index_bomb(8), Limits(seconds=60, believed_seconds=3600))


def test_one_file_in_memory_is_opened_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    data, is_open, opened = encoded(tone(1), "flac", "flac"), threading.Lock(), av.open
    begun, let_go = threading.Event(), threading.Event()

    def slow(*given: Any, **named: Any) -> Any:
        assert is_open.acquire(blocking=False), "two at a time"
        begun.set()
        let_go.wait(60)
        is_open.release()
        return opened(*given, **named)

    monkeypatch.setattr(av, "open", slow)
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(decode, data, Limits(seconds=60))
        begun.wait(60)
        hasty = threads.submit(decode, data, Limits(seconds=60, deadline=time.monotonic() + 0.1))
        assert isinstance(hasty.exception(60), errors.DeadlineExceeded)
        patient = threads.submit(decode, data, Limits(seconds=60))
        let_go.set()
        assert first.result(60).duration == patient.result(60).duration == 1
