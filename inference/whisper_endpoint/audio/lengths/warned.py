# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Warnings about a recording that differs from what its files declare."""

from whisper_endpoint.audio.timeline import Timeline
from whisper_endpoint.messages import SAMPLE_RATE

# Fewer unknown bytes are less than about 0.2 s of any audio.
_LEAST_UNKNOWN = 500


class Warnings:
    """Collects warnings, each only once.

    Attributes
    ----------
    sentences : list of str
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        """Add a warning."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def not_decoded(self) -> None:
        """Warn that the rest could not be decoded."""
        self.say(f"What follows {self._now:.1f} s could not be decoded.")

    def left_out(self, why: str) -> None:
        """Warn that a further file was rejected."""
        self.say(f"What follows {self._now:.1f} s was left out: {why}")

    def cut_off(self) -> None:
        """Warn that a file was cut off."""
        self.say(
            f"The file was cut off or never finished: what follows {self._now:.1f} s is not in it."
        )

    def shorter(self, seconds: float) -> None:
        """Warn that a file declares a greater length."""
        self.say(f"The recording is {seconds:.1f} s shorter than the file should be.")

    def edited_out(self, seconds: float) -> None:
        """Warn of what an edit list leaves out."""
        if seconds >= 1:
            self.say(f"{seconds:.1f} s of the audio are left out by the file's edit list.")

    def unknown(self, count: int) -> None:
        """Warn of bytes after a file that are in no known format."""
        if count >= _LEAST_UNKNOWN:
            self.say(
                f"{count:,} bytes behind {self._now:.1f} s are of no kind that is known and were "
                "left out."
            )

    def more(self, count: int) -> None:
        """Warn of decoded bytes beyond the length in the header."""
        if count >= _LEAST_UNKNOWN:
            self.say(
                f"{count:,} bytes behind the samples that the header counts were taken for more "
                "of them."
            )

    @property
    def _now(self) -> float:
        return self._timeline.length / SAMPLE_RATE
