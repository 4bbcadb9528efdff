# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""When somebody speaks on a channel: voice activity at the line's true rate, and utterances.

An utterance begins with the first voice of a quarter of a second that is half voice, so that
a click is none, and ends in silence; one that grows too long is cut, and the next begins a little
before the cut. LCA's own way is in `benchmarks.lca_client.segmenter`.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import webrtcvad

from whisper_stream.audio.samples import Samples
from whisper_stream.settings import CallSettings

FRAME_S = 0.03
_VAD_AGGRESSIVE = 2
_RECENT_FRAMES = 8
_VOICED_TO_OPEN = 4
_BEFORE_S = 0.25
"""Kept before the first voice: consonants begin softly."""
_AFTER_S = 0.3
"""Kept after the last voice."""
_SHORT_S = 1.0
_QUIETEST_DBFS = -65.0
"""What is quieter is the line itself. A caller at -40 dBFS is 20 dB louder."""
_RANGE_DB = 35.0
"""By how much the quietest voice may be below the loudest: noise and the other party's echo are
further below, and make WebRTC's detector hear utterances on an idle line."""
_FORGOTTEN_DB_PER_S = 0.5
"""Of the loudest, while there is voice: who talks more softly later is heard again."""
_LOUD_FRAMES = 3
"""A click is shorter."""


class VoiceDetector(Protocol):
    """Stateful: one for each channel."""

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        """Say whether a frame of 16-bit mono PCM holds voice."""
        ...


class VoiceByLevel:
    """Voice as another detector hears it, where it is loud enough to be this channel's speaker's.

    Parameters
    ----------
    detector : VoiceDetector, optional
        Default: WebRTC's in its aggressive mode.
    """

    def __init__(self, detector: VoiceDetector | None = None) -> None:
        self._detector = detector or webrtcvad.Vad(_VAD_AGGRESSIVE)
        self._levels: deque[float] = deque([_QUIETEST_DBFS], maxlen=_LOUD_FRAMES)
        self._loudest = _QUIETEST_DBFS

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        """Say whether a frame of 16-bit mono PCM holds voice; frames come in order."""
        power = np.square(np.frombuffer(buf, "<i2") / 32768).mean()
        self._levels.append(10 * float(np.log10(power + 1e-12)))
        if not self._detector.is_speech(buf, sample_rate):
            return False
        forgotten = self._loudest - _FORGOTTEN_DB_PER_S * len(buf) / 2 / sample_rate
        self._loudest = max(forgotten, min(self._levels))
        return self._levels[-1] >= max(_QUIETEST_DBFS, self._loudest - _RANGE_DB)


@dataclass
class UtteranceSpan:
    """Speech on one channel; positions are samples from the start of the call.

    Attributes
    ----------
    start : int
        First sample that belongs to it.
    voiced_until : int
        Where the last voice so far ended.
    voiced : int
        Samples of voice so far.
    seam : int or None
        Where it takes over from the utterance that was cut before it; what was said before then
        belongs to that one.
    end : int or None
        Where it ended; None while it is open.
    next_seam : int or None
        Where the utterance after it takes over, if it was cut.
    """

    start: int
    voiced_until: int
    voiced: int
    seam: int | None = None
    end: int | None = None
    next_seam: int | None = None


class UtteranceTracker:
    """Follows one channel.

    Parameters
    ----------
    position : int
        Sample of the call at which what is fed begins.
    detector : VoiceDetector, optional
        Default: WebRTC's in its aggressive mode, for what is as loud as the speaker.

    Attributes
    ----------
    settings : CallSettings
        How utterances end; may change meanwhile, but for the rate.
    open : UtteranceSpan or None
        What is being said.
    position : int
        Samples that were heard; what does not fill a frame is not counted yet.
    """

    def __init__(
        self, settings: CallSettings, position: int = 0, detector: VoiceDetector | None = None
    ) -> None:
        rate = settings.sample_rate
        self._rate = rate
        self.settings = settings
        self._detector = detector or VoiceByLevel()
        self._frame = round(FRAME_S * rate)
        self._waiting = b""
        self._recent: deque[bool] = deque(maxlen=_RECENT_FRAMES)
        self._taken = position
        self.position = position
        self.open: UtteranceSpan | None = None

    @property
    def earliest(self) -> int:
        """The first sample that may still be asked for."""
        if self.open:
            return self.open.start
        return max(self._taken, self.position - self._samples(_BEFORE_S) - 8 * self._frame)

    def feed(self, samples: Samples) -> list[UtteranceSpan]:
        """Take what arrived and return the utterances that ended in it.

        Parameters
        ----------
        samples : ndarray, shape (n,), int16
            Any number of samples at the line's rate.
        """
        ended = []
        pcm = self._waiting + samples.astype("<i2", copy=False).tobytes()
        step = 2 * self._frame
        whole = len(pcm) // step * step
        for at in range(0, whole, step):
            is_voice = self._detector.is_speech(pcm[at : at + step], self._rate)
            self.position += self._frame
            if (utterance := self._hear(is_voice)) is not None:
                ended.append(utterance)
        self._waiting = pcm[whole:]
        return ended

    def finish(self) -> UtteranceSpan | None:
        """End what is being said, because the audio ends; return it."""
        self.position += len(self._waiting) // 2
        self._waiting = b""
        return self._close(self.position) if self.open else None

    def commit(self) -> UtteranceSpan | None:
        """End what is being said, because who feeds the audio says so; return it.

        Where nobody was heard, it is what came last, up to half a second; None where nothing came
        since the last utterance.
        """
        start = self.earliest
        if (ended := self.finish()) is not None or self.position <= self._taken:
            return ended
        self.open = UtteranceSpan(start, start, 0)
        return self._close(self.position)

    def drop(self) -> None:
        """Forget what is being said: the next utterance begins with what comes now."""
        self._recent.clear()
        self.open, self._taken = None, self.position

    def jump(self, position: int) -> None:
        """Go on at a later position; nothing is known of what lies between."""
        self._waiting = b""
        self._recent.clear()
        self.position = self._taken = position

    def _hear(self, is_voice: bool) -> UtteranceSpan | None:
        self._recent.append(is_voice)
        by_silence = self.settings.by_silence
        if self.open is None:
            if by_silence:
                if sum(self._recent) >= _VOICED_TO_OPEN:
                    self._begin()
                return None
            start = max(self._taken, self.position - self._frame)
            self.open = UtteranceSpan(start, start, 0)
        if is_voice:
            self.open.voiced_until = self.position
            self.open.voiced += self._frame
        patience = self._samples(self._patience_s(self.open))
        if by_silence and self.position - self.open.voiced_until >= patience:
            return self._close(self.open.voiced_until + self._samples(_AFTER_S))
        if self.position - self.open.start >= self._samples(self.settings.max_utterance_s):
            return self._cut()
        return None

    def _patience_s(self, utterance: UtteranceSpan) -> float:
        """Return the silence that ends an utterance: the more of it there is, the less."""
        settings = self.settings
        if utterance.voiced < self._samples(_SHORT_S):
            return settings.short_silence_s
        lasted = utterance.voiced_until - utterance.start
        is_long = lasted >= self._samples(settings.long_utterance_s)
        return settings.long_silence_s if is_long else settings.silence_s

    def _begin(self) -> None:
        since = len(self._recent) - list(self._recent).index(True)
        first_voice = self.position - since * self._frame
        self.open = UtteranceSpan(
            start=max(self._taken, first_voice - self._samples(_BEFORE_S)),
            voiced_until=self.position,
            voiced=sum(self._recent) * self._frame,
        )

    def _close(self, end: int) -> UtteranceSpan:
        utterance, self.open = self.open, None
        assert utterance is not None
        utterance.end = self._taken = min(end, self.position)
        self._recent.clear()
        return utterance

    def _cut(self) -> UtteranceSpan:
        utterance = self.open
        assert utterance is not None
        overlap = self._samples(self.settings.overlap_s)
        seam = self.position - overlap // 2
        utterance.end, utterance.next_seam = self.position, seam
        self.open = UtteranceSpan(self.position - overlap, self.position, 0, seam)
        return utterance

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._rate)
