# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Find utterances on a channel by voice activity, at the line's native rate.

An utterance begins at the first voiced frame of a quarter-second that is half voiced, so that
clicks do not count, and ends in silence. One that grows too long is cut, and the next begins
slightly before the cut. LCA's own method is in `benchmarks.lca_client.segmenter`.
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
"""Audio kept before the first voiced frame: consonants start softly."""
_AFTER_S = 0.3
"""Audio kept after the last voiced frame."""
_SHORT_S = 1.0
_QUIETEST_DBFS = -65.0
"""Anything quieter is line noise. A caller at -40 dBFS is 25 dB louder."""
_RANGE_DB = 35.0
"""How far the quietest voice may be below the loudest: noise and the other party's echo are
further below, and would make WebRTC's detector find utterances on an idle line.
"""
_FORGOTTEN_DB_PER_S = 0.5
"""Decay of the loudest level during voice, so that softer speech later is still detected."""
_LOUD_FRAMES = 3
"""Clicks are shorter."""


class VoiceDetector(Protocol):
    """Detects voice in one channel; stateful."""

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        """Return whether a frame of 16-bit mono PCM contains voice."""
        ...


class VoiceByLevel:
    """Filters another detector by level, to ignore everything but this channel's speaker.

    Parameters
    ----------
    detector : VoiceDetector, optional
        Default: WebRTC's in aggressive mode.
    """

    def __init__(self, detector: VoiceDetector | None = None) -> None:
        self._detector = detector or webrtcvad.Vad(_VAD_AGGRESSIVE)
        self._levels: deque[float] = deque([_QUIETEST_DBFS], maxlen=_LOUD_FRAMES)
        self._loudest = _QUIETEST_DBFS

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        """Return whether a frame of 16-bit mono PCM contains voice; frames must be in order."""
        power = np.square(np.frombuffer(buf, "<i2") / 32768).mean()
        self._levels.append(10 * float(np.log10(power + 1e-12)))
        if not self._detector.is_speech(buf, sample_rate):
            return False
        forgotten = self._loudest - _FORGOTTEN_DB_PER_S * len(buf) / 2 / sample_rate
        self._loudest = max(forgotten, min(self._levels))
        return self._levels[-1] >= max(_QUIETEST_DBFS, self._loudest - _RANGE_DB)


@dataclass
class UtteranceSpan:
    """Speech on one channel; positions in samples from the start of the call.

    Attributes
    ----------
    start : int
        First sample.
    voiced_until : int
        End of the last voiced frame so far.
    voiced : int
        Number of voiced samples so far.
    seam : int or None
        Where it takes over from the utterance cut before it; earlier words belong to that
        one.
    end : int or None
        End; None while it is open.
    next_seam : int or None
        Where the next utterance takes over, if this one was cut.
    """

    start: int
    voiced_until: int
    voiced: int
    seam: int | None = None
    end: int | None = None
    next_seam: int | None = None


class UtteranceTracker:
    """Tracks the utterances of one channel.

    Parameters
    ----------
    position : int
        Start of the audio, in samples of the call.
    detector : VoiceDetector, optional
        Default: `VoiceByLevel`.

    Attributes
    ----------
    settings : CallSettings
        How utterances end; may be replaced, except for the sample rate.
    open : UtteranceSpan or None
        The current utterance.
    position : int
        Samples processed, not counting an incomplete frame.
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
        """The first sample that may still be requested."""
        if self.open:
            return self.open.start
        return max(self._taken, self.position - self._samples(_BEFORE_S) - 8 * self._frame)

    def feed(self, samples: Samples) -> list[UtteranceSpan]:
        """Process audio; return the utterances that ended in it.

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
        """End the open utterance because the audio ended; return it."""
        self.position += len(self._waiting) // 2
        self._waiting = b""
        return self._close(self.position) if self.open else None

    def commit(self) -> UtteranceSpan | None:
        """End the open utterance on the caller's request; return it.

        Without detected voice, return the latest audio, up to half a second; None if there is none
        since the last utterance.
        """
        start = self.earliest
        if (ended := self.finish()) is not None or self.position <= self._taken:
            return ended
        self.open = UtteranceSpan(start, start, 0)
        return self._close(self.position)

    def drop(self) -> None:
        """Discard the open utterance: the next begins with new audio."""
        self._recent.clear()
        self.open, self._taken = None, self.position

    def jump(self, position: int) -> None:
        """Continue at a later position, after a gap."""
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
        """Return the silence that ends an utterance, shorter for longer utterances."""
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
