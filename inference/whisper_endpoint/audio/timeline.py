# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Places the samples of all tracks of a recording on a common timeline, within limits."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.disk import Disk, DiskLine, StoredSamples
from whisper_endpoint.errors import AudioTooLong, Cancelled, DeadlineExceeded, TooManyChannels
from whisper_endpoint.messages import SAMPLE_RATE, Samples

# Samples by which a line grows: a minute, 4 MB.
_GROWTH = 60 * SAMPLE_RATE


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits on the audio of a request.

    Attributes
    ----------
    seconds : float
        Length at which decoding is aborted, whatever the file declares; the total of all channels
        if each is transcribed separately.
    channels : int
        Maximum channels of a track, number of tracks, and channels of all tracks if each is
        transcribed separately.
    deadline : float
        ``time.monotonic`` at which decoding is aborted.
    believed_seconds : float, optional
        Maximum plausible timestamp; gaps beyond it are skipped. Default: `seconds`.
    is_wanted : callable, optional
        Whether the caller is still waiting.
    """

    seconds: float
    channels: int = 8
    deadline: float = float("inf")
    believed_seconds: float | None = None
    is_wanted: Callable[[], bool] = lambda: True

    @property
    def longest(self) -> float:
        """The longest a recording may be under these limits or the wider ones tried next."""
        return self.seconds if self.believed_seconds is None else self.believed_seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def check(self) -> None:
        """Abort if the deadline has passed or the caller is gone.

        Raises
        ------
        DeadlineExceeded
            504
        Cancelled
            499
        """
        if self.seconds_left < 0:
            raise DeadlineExceeded(
                "The audio could not be decoded in time: send shorter audio, or fewer requests at "
                "once."
            )
        if not self.is_wanted():
            raise Cancelled("The caller no longer waits for the answer: send the request again.")


class Line:
    """Samples in memory, added in any order; gaps are silent.

    Attributes
    ----------
    length : int
        Number of samples up to the last one added.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(0, np.float32)
        self.length = 0

    def add(self, position: int, samples: NDArray[np.int16]) -> None:
        """Mix samples in at a position."""
        end = position + len(samples)
        if end > len(self._samples):
            # realloc remaps large blocks without copying, so that an hour is held only once.
            room = min(end + _GROWTH, 2 * end) if self.length else end
            self._samples.resize(room, refcheck=False)
        self._samples[position:end] += samples
        self.length = max(self.length, end)

    def finish(self, length: int, divisor: int) -> NDArray[np.float32]:
        """Return ``length`` samples, scaled to [-1, 1], and release them."""
        samples, self._samples = self._samples, np.zeros(0, np.float32)
        samples.resize(length, refcheck=False)
        samples *= np.float32(1 / 32768 / divisor)
        # Several steps share these samples: none may modify them.
        samples.flags.writeable = False
        return samples


@dataclass
class Timeline:
    """The decoded recording: one mixed line, or one for each channel of each track.

    Parameters
    ----------
    is_mixed : bool
        Whether all tracks are mixed; their blocks then have one channel.
    disk : Disk, optional
        Where to store the samples; by default in memory.
    """

    limits: Limits
    is_mixed: bool
    disk: Disk | None = None
    _tracks: dict[int, list[Line | DiskLine]] = field(default_factory=dict)
    _reached: int = 0
    # Tracks that are not silent; only these count when the mix is averaged.
    _sounding: set[int] = field(default_factory=set)

    @property
    def length(self) -> int:
        """Number of samples of the longest line, including silence after it."""
        return max([self._reached, *(line.length for line in self._lines())])

    @property
    def room(self) -> int:
        """Maximum samples of a line before the recording is too long."""
        return self._share_of(self.limits.seconds)

    @property
    def believed_room(self) -> int:
        """Maximum samples of a line up to which timestamps are plausible."""
        return self._share_of(self.limits.longest)

    def add(self, track: int, position: int, block: NDArray[np.int16]) -> None:
        """Add a block of a track.

        Parameters
        ----------
        position : int
            Its start, in samples from the start of the recording.
        block : ndarray, shape (n, channels), int16, 16 kHz

        Raises
        ------
        AudioTooLong, TooManyChannels
            413: beyond the limits.
        """
        samples, channels = block.shape
        lines = self._lines_of(track, channels)
        if position + samples > self.room:
            raise self.too_long()
        for channel in range(channels):
            lines[channel].add(position, block[:, channel])
        if track not in self._sounding and block.any():
            self._sounding.add(track)

    def too_long(self) -> AudioTooLong:
        """Return the error (413) for a recording that is too long."""
        return AudioTooLong(
            f"The audio is longer than {self.limits.seconds:g} seconds: send it in shorter parts."
        )

    def reach(self, position: int) -> None:
        """Extend the recording with silence up to a position."""
        self._reached = max(self._reached, position)

    def finish(self) -> tuple[Samples, ...]:
        """Return the recording, or its channels, all of the same length."""
        length, lines = self.length, self._lines()
        if not self.is_mixed:
            return tuple(line.finish(length, 1) for line in lines or [self._new_line()])
        divisor = max(1, len(self._sounding))
        if self.disk is not None:
            stored = [line for line in lines if isinstance(line, DiskLine)]
            return (StoredSamples(self.disk, stored, length, divisor),)
        line = lines[0] if lines else Line()
        return (line.finish(length, divisor),)

    def _share_of(self, seconds: float) -> int:
        lines = 1 if self.is_mixed else max(1, len(self._lines()))
        return int(seconds * SAMPLE_RATE) // lines

    def _lines(self) -> list[Line | DiskLine]:
        return [line for track in sorted(self._tracks) for line in self._tracks[track]]

    def _new_line(self) -> Line | DiskLine:
        return Line() if self.disk is None else DiskLine(self.disk)

    def _lines_of(self, track: int, channels: int) -> list[Line | DiskLine]:
        if self.is_mixed:
            # In memory, tracks are summed as they arrive; on disk, where int16 has no room for the
            # sum, when they are read.
            number = 0 if self.disk is None else track
            return self._tracks.setdefault(number, [self._new_line()])
        lines = self._tracks.setdefault(track, [])
        total = len(self._lines()) + max(0, channels - len(lines))
        if total > self.limits.channels:
            raise TooManyChannels(
                f"The audio's tracks have {total} channels: send at most {self.limits.channels}, "
                "or choose one track with audio_track."
            )
        while len(lines) < channels:
            lines.append(self._new_line())
        return lines
