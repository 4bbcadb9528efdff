# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The time of a recorded call: the wall's, as `WallClock` has it, or the audio's own."""

from typing import Protocol


class CallClock(Protocol):
    """Seconds since the call began."""

    def wait_until(self, position: float) -> None:
        """Return when the audio up to `position` seconds would have arrived."""
        ...

    def now(self) -> float:
        """Seconds since the call began."""
        ...


class AudioClock:
    """Time stands still while a request is answered, so a run is the same on every machine."""

    def __init__(self) -> None:
        self._position = 0.0

    def wait_until(self, position: float) -> None:
        """Jump to `position`, in seconds from the start of the call."""
        self._position = position

    def now(self) -> float:
        """Seconds of audio that have arrived."""
        return self._position
