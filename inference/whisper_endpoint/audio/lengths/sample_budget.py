# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Limits the number of samples of a request, over all channels."""

from typing import Any

from whisper_endpoint.audio.timeline import Limits
from whisper_endpoint.audio.tracks import check_form
from whisper_endpoint.errors import AudioTooLong

# Six channels at 48 kHz for the maximum length of a recording.
_MOST_SAMPLES_PER_SECOND = 6 * 48_000


class SampleBudget:
    """Counts samples and aborts decoding that would take too long.

    Attributes
    ----------
    samples : int
        Decoded so far.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._most = limits.seconds * _MOST_SAMPLES_PER_SECOND
        self.samples = 0

    def check(self, streams: list[Any]) -> None:
        """Check, before decoding, what the file declares about its streams.

        Raises
        ------
        UnsupportedSampleRate
            422
        AudioTooLong, TooManyChannels
            413
        """
        work = 0.0
        for stream in streams:
            context = stream.codec_context
            rate, channels = context.sample_rate or 0, context.layout.nb_channels
            if rate and channels:
                check_form(self._limits.channels, rate, channels)
            seconds = float((stream.duration or 0) * (stream.time_base or 0))
            work += min(seconds, self._limits.seconds) * rate * channels
        if work > self._most:
            raise self._too_much()

    def count(self, samples: int) -> None:
        """Count decoded samples.

        Raises
        ------
        AudioTooLong
            413
        """
        self.samples += samples
        if self.samples > self._most:
            raise self._too_much()

    def _too_much(self) -> AudioTooLong:
        return AudioTooLong(
            f"The audio has more than {self._most / 1e6:,.0f} million samples in all its "
            "channels: send it at 48,000 samples per second or fewer, with fewer channels, or in "
            "parts."
        )
