# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Two notions of time for a recorded call: the audio's own, and the wall's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


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


class WallClock:
    """Real time: audio arrives as fast as it was spoken, and a slow answer holds it up."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._began = monotonic()

    def wait_until(self, position: float) -> None:
        """Sleep until `position` seconds after the start, or not at all when that is past."""
        ahead = position - self.now()
        if ahead > 0:
            self._sleep(ahead)

    def now(self) -> float:
        """Seconds since this clock was made."""
        return self._monotonic() - self._began
