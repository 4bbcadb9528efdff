# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A console before an endpoint that reads words off samples, live and whole."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from live_whisper.console.library import Library
from live_whisper.console.models import of_size
from live_whisper.console.recording_view import WholeFiles
from live_whisper.console.request_code import EndpointAddress
from live_whisper.console.server import Console
from live_whisper.errors import InvocationFailed
from whisper_contract.formats import Form, protobuf
from whisper_contract.transcript import Segment, Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.applications import Starlette

    from tests.unit.live.spoken import Reader
    from whisper_stream.audio.samples import Samples

ADDRESS = EndpointAddress(
    "whisper", "eu-west-1", "https://runtime.sagemaker.eu-west-1.amazonaws.com"
)


class Busy:
    """An endpoint with figures."""

    note = ""

    def readings(self) -> list[dict[str, Any]]:
        rows = [(1000.0, 0, 0), (1001.0, 6, 4), (1002.0, 4, 2)]
        return [
            {"time": at, "requests": asked, "batches": size, "batch_mean": size, "batch_max": size}
            for at, asked, size in rows
        ]


class FileReader:
    """The endpoint for whole files: says how long each channel is, and refuses what is no audio.

    Attributes
    ----------
    asked : list of str
        The attributes of each request.
    said : str
        The first word of what it says.
    may_answer : threading.Event
        It waits for this, for half a minute.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.said = " length"
        self.may_answer = threading.Event()
        self.may_answer.set()

    def invoke(self, body: bytes, content_type: str, *, attributes: str, within: float) -> bytes:
        assert content_type == "application/octet-stream"
        assert within > 0
        self.asked.append(attributes)
        assert self.may_answer.wait(30)
        try:
            lengths = list(decoded(body))
        except av.FFmpegError:
            raise InvocationFailed(
                "HTTP 424 ModelError: The body is no audio; send a recording.",
                is_passing=False,
                said="The body is no audio; send a recording.",
            ) from None
        is_apart = "channel_identification=true" in attributes
        voices = (0, 0, 1) if "diarize=true" in attributes else (None, None, None)
        segments = [
            self._segment(place, seconds, place if is_apart else None, voices)
            for place, seconds in enumerate(lengths if is_apart else lengths[:1])
        ]
        found = Transcript("en", tuple(segments), language_probability=0.75, duration=lengths[0])
        return protobuf.render(found, Form())

    def _segment(
        self, place: int, seconds: float, channel: int | None, voices: tuple[int | None, ...]
    ) -> Segment:
        words = (
            Word(0.1 + place, 0.4 + place, self.said, 0.95, voices[0]),
            Word(0.5 + place, 0.8 + place, f" {seconds:.1f}", 0.6, voices[1]),
            Word(0.8 + place, 0.9 + place, " s.", 0.3, voices[2]),
        )
        return Segment(
            id=place + 1,
            seek=0,
            start=words[0].start,
            end=words[-1].end,
            text="".join(word.word for word in words),
            tokens=(1, 2, 3),
            temperature=0.0,
            avg_logprob=-0.2,
            compression_ratio=1.0,
            no_speech_prob=0.01,
            words=words,
            channel=channel,
            speaker=voices[0],
        )


def decoded(body: bytes) -> Iterator[float]:
    """Yield the seconds of sound in each channel of a file."""
    with av.open(io.BytesIO(body)) as container:
        stream = container.streams.audio[0]
        frames = [frame.samples for frame in container.decode(stream)]
        for _ in range(stream.channels):
            yield sum(frames) / stream.rate


def encoded(samples: Samples, rate: int, *, form: str, codec: str, is_video: bool = False) -> bytes:
    """Return samples, shape (n, channels), as a file of another kind."""
    file = io.BytesIO()
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    with av.open(file, "w", format=form) as container:
        if is_video:
            picture = container.add_stream("mpeg4", rate=5)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream(codec, rate=rate, layout=layout)
        if is_video:
            black = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            for packet in (*picture.encode(black), *picture.encode(None)):
                container.mux(packet)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), "s16", layout
        )
        frame.rate = rate
        for packet in (*sound.encode(frame), *sound.encode(None)):
            container.mux(packet)
    return file.getvalue()


def console(folder: Path, reader: Reader, files: FileReader | None = None) -> Starlette:
    """Return the console's application with recordings of a folder."""
    whole: Any = files or FileReader()
    return Console(
        reader,
        WholeFiles(whole, ADDRESS),
        Library(folder),
        Busy(),
        "whisper",
        lambda: of_size("base"),
    ).app()
