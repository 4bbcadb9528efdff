# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is to be said of a recording that is not what its files should hold."""

from whisper_endpoint.audio.timeline import Timeline
from whisper_endpoint.messages import SAMPLE_RATE

# Fewer bytes, of no kind that is known, are hardly a fifth of a second of anything.
_LEAST_UNKNOWN = 500


class Warnings:
    """Sentences, each said once.

    Attributes
    ----------
    sentences : list of str
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        """Say something."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def not_decoded(self) -> None:
        """Say that no more could be decoded."""
        self.say(f"What follows {self._now:.1f} s could not be decoded.")

    def left_out(self, why: str) -> None:
        """Say that a further file was refused."""
        self.say(f"What follows {self._now:.1f} s was left out: {why}")

    def cut_off(self) -> None:
        """Say that a file does not end as its kind does."""
        self.say(
            f"The file was cut off or never finished: what follows {self._now:.1f} s is not in it."
        )

    def shorter(self, seconds: float) -> None:
        """Say that a file promises more."""
        self.say(f"The recording is {seconds:.1f} s shorter than the file should be.")

    def unknown(self, count: int) -> None:
        """Say how many bytes behind a file are none of another."""
        if count >= _LEAST_UNKNOWN:
            self.say(
                f"{count:,} bytes behind {self._now:.1f} s are of no kind that is known and were "
                "left out."
            )

    def more(self, count: int) -> None:
        """Say how many bytes were heard that a header does not count."""
        if count >= _LEAST_UNKNOWN:
            self.say(
                f"{count:,} bytes behind the samples that the header counts were taken for more "
                "of them."
            )

    @property
    def _now(self) -> float:
        return self._timeline.length / SAMPLE_RATE
