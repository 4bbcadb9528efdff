# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Find utterances on one channel the way LCA's Call Transcriber does.

LCA cuts each channel into frames of 480 samples, passes them to WebRTC's voice activity detection
as 16 kHz audio regardless of the real rate, and ends an utterance at the tenth consecutive silent
frame. On an 8 kHz line a frame is thus 60 ms and an utterance ends after 600 ms of silence.
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
    """The open or last utterance of a channel; positions in samples.

    `speaking` lasts from the first voiced frame to the tenth silent one. The client sets `answered`
    when a final returns text: until then LCA keeps sending the utterance as a partial, even after
    the speaker has stopped.
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
        """Whether there is an utterance not yet answered by a final with text."""
        return bool(self._frames) and not self.answered

    @property
    def utterance(self) -> Samples:
        """The utterance so far at the line's rate, including silent frames, int16."""
        return np.concatenate(self._frames)

    def feed(self, samples: Samples) -> Iterator[None]:
        """Process int16 samples; an incomplete frame is buffered.

        Yields at the end of each utterance: the caller then reads `utterance`, `start` and
        `voiced_until` before continuing.
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
