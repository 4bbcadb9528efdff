# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Play a recorded call like a telephone line, in real time."""

import threading
import time
from collections.abc import Callable, Iterator

from live_whisper.audio.call_file import Call
from live_whisper.call import CallTranscriber
from live_whisper.errors import EndpointUnusable
from whisper_stream.events import Event

FRAME_MS = 100


def frames(recording: Call) -> Iterator[bytes]:
    """Yield a call as interleaved little-endian PCM16, 100 ms at a time."""
    for chunk in recording.chunks(FRAME_MS):
        yield chunk.astype("<i2", copy=False).tobytes()


class WallClock:
    """Real time: audio arrives at speaking speed; slow feeding delays it."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._began = monotonic()

    def wait_until(self, position: float) -> None:
        """Sleep until `position` seconds after the start; return at once if that has passed."""
        ahead = position - self.now()
        if ahead > 0:
            self._sleep(ahead)

    def now(self) -> float:
        """Return the seconds since this clock was created."""
        return self._monotonic() - self._began


class Player:
    """Feeds a recording in real time from its own thread, then finishes the call.

    Parameters
    ----------
    clock : callable
        Creates the clock when playback starts.

    Attributes
    ----------
    failure : EndpointUnusable or None
        The error that stopped playback early, if any.
    """

    def __init__(
        self, call: CallTranscriber, recording: Call, clock: Callable[[], WallClock] = WallClock
    ) -> None:
        self._call = call
        self._recording = recording
        self._make_clock = clock
        self._stopping = threading.Event()
        self.failure: EndpointUnusable | None = None
        self._thread = threading.Thread(target=self._feed, name="live-player", daemon=True)

    def play(self) -> Iterator[Event]:
        """Start playback, and yield the call's events until it ends.

        Raises
        ------
        EndpointUnusable
            The endpoint never answered and cannot be used.
        """
        self.start()
        try:
            yield from self._call.events()
        finally:
            self.stop()
        if self.failure is not None:
            raise self.failure

    def start(self) -> None:
        """Start feeding."""
        self._thread.start()

    def stop(self) -> None:
        """Stop feeding and finish the call: an open utterance becomes final."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _feed(self) -> None:
        clock, fed = self._make_clock(), 0.0
        try:
            for frame in frames(self._recording):
                fed = min(fed + FRAME_MS / 1000, self._recording.seconds)
                clock.wait_until(fed)
                if self._stopping.is_set():
                    return
                self._call.feed(frame)
        except EndpointUnusable as failure:
            self.failure = failure
        finally:
            self._call.finish()
