# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Audio of any length, by repeating the sample calls."""

import io
from typing import Any

import av

from scripts.publish.build import ROOT

_CALLS = sorted((ROOT / "samples" / "calls").glob("*.wav"))


def calls_as_mp3() -> tuple[bytes, float]:
    """Return the sample calls as one MP3, suitable for repetition, and its seconds."""
    buffer = io.BytesIO()
    seconds = 0.0
    options = {"id3v2_version": "0", "write_xing": "0"}
    with av.open(buffer, "w", format="mp3", options=options) as written:
        stream: Any = written.add_stream("libmp3lame", rate=16_000, layout="mono")
        stream.bit_rate = 48_000
        for call in _CALLS:
            with av.open(str(call)) as file:
                for frame in file.decode(audio=0):
                    seconds += frame.samples / frame.sample_rate
                    frame.pts = None
                    written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    return buffer.getvalue(), seconds


def call_as_video() -> bytes:
    """Return a sample call as the sound of an MP4 with a grey picture."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as written, av.open(str(_CALLS[0])) as file:
        sound: Any = written.add_stream("aac", rate=16_000, layout="mono")
        picture: Any = written.add_stream("mpeg4", rate=1)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        seconds = 0.0
        for frame in file.decode(audio=0):
            seconds += frame.samples / frame.sample_rate
            frame.pts = None
            written.mux(sound.encode(frame))
        written.mux(sound.encode(None))
        for _ in range(int(seconds)):
            written.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        written.mux(picture.encode(None))
    return buffer.getvalue()
