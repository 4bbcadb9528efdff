# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Clocks of a recorded call: real time (`WallClock`), or the audio's own."""

from typing import Protocol


class CallClock(Protocol):
    """Seconds since the call began."""

    def wait_until(self, position: float) -> None:
        """Wait until the audio up to `position` seconds would have arrived."""
        ...

    def now(self) -> float:
        """Seconds since the call began."""
        ...


class AudioClock:
    """Time stops during requests, so a run is the same on every machine."""

    def __init__(self) -> None:
        self._position = 0.0

    def wait_until(self, position: float) -> None:
        """Jump to `position`, in seconds from the start of the call."""
        self._position = position

    def now(self) -> float:
        """Seconds of audio received."""
        return self._position
