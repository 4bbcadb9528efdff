# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""When somebody speaks on one channel, decided the way LCA's Call Transcriber decides it.

LCA cuts each channel into frames of 480 samples, asks WebRTC's voice activity detection about each
as 16 kHz audio whatever its real rate, and ends an utterance at the tenth silent frame in a row.
For a line at 8 kHz a frame is therefore 60 ms and an utterance ends after 600 ms of silence.
"""

from collections.abc import Iterator

import numpy as np
import webrtcvad

from whisper_stream.audio.samples import Samples
from whisper_stream.audio.utterances import VoiceDetector

FRAME_SAMPLES = 480
CLAIMED_SAMPLE_RATE = 16_000
SILENT_FRAMES_TO_END = 10
VAD_AGGRESSIVE = 2  # WebRTC's modes: 0 quality, 1 low bitrate, 2 aggressive, 3 very aggressive


class ChannelSegmenter:
    """The utterance that is open, or was last closed, on one channel; places are in samples.

    `speaking` is from the first voiced frame to the tenth silent one. `answered` is set by the
    client when a final came back with text: until then LCA goes on sending the utterance as a
    partial, even after the speaker has stopped.
    """

    def __init__(self, detector: VoiceDetector | None = None) -> None:
        self._detector = detector or webrtcvad.Vad(VAD_AGGRESSIVE)
        self._waiting: Samples = np.empty(0, np.int16)
        self._position = 0
        self._frames: list[Samples] = []
        self._silent = 0
        self.speaking = False
        self.answered = False
        self.start = 0
        self.voiced_until = 0

    @property
    def pending(self) -> bool:
        """Whether there is an utterance that no final with text has answered yet."""
        return bool(self._frames) and not self.answered

    @property
    def utterance(self) -> Samples:
        """The utterance so far at the line's own rate, its silent frames included, int16."""
        return np.concatenate(self._frames)

    def feed(self, samples: Samples) -> Iterator[None]:
        """Take any number of int16 samples of this channel; what does not fill a frame waits.

        Yields once for each utterance that ends in it, at the moment it ends: the caller then
        reads `utterance`, `start` and `voiced_until` before going on.
        """
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= FRAME_SAMPLES:
            frame, self._waiting = (self._waiting[:FRAME_SAMPLES], self._waiting[FRAME_SAMPLES:])
            if self._ends_utterance(frame):
                yield
            self._position += FRAME_SAMPLES

    def _ends_utterance(self, frame: Samples) -> bool:
        pcm = frame.astype("<i2").tobytes()
        if self._detector.is_speech(pcm, CLAIMED_SAMPLE_RATE):
            self._voice(frame)
            return False
        self._silent += 1
        if self._silent < SILENT_FRAMES_TO_END:
            if self.speaking:
                self._frames.append(frame)
            return False
        ended, self.speaking, self._silent = self.speaking, False, 0
        return ended

    def _voice(self, frame: Samples) -> None:
        self._silent = 0
        if not self.speaking:
            self.speaking, self.answered = True, False
            self._frames, self.start = [], self._position
        self._frames.append(frame)
        self.voiced_until = self._position + FRAME_SAMPLES
