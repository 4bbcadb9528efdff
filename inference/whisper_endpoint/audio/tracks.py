# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A track of a file: its frames become 16 kHz samples at the time that the file's clock says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.full_scale import FLOATS, samples_of
from whisper_endpoint.audio.timeline import Timeline
from whisper_endpoint.errors import EndpointError, TooManyChannels, UnsupportedSampleRate
from whisper_endpoint.messages import SAMPLE_RATE

# Samples per second that audio may have: what a line or a studio sends.
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 192_000

# Clocks count in milliseconds, and the first frames of some codecs are cut off. A frame that is
# less than this off its place follows the one before it.
_TOLERANCE_S = 0.1

LEAST_LOSS_S = 0.2
"""What is less is the rounding of clocks, or the first and last frame of a codec."""


@dataclass
class Loss:
    """Seconds of one kind that a recording lacks, and where the first of them are."""

    seconds: float = 0.0
    first: float = float("inf")

    def add(self, seconds: float, position: int) -> None:
        """Add seconds that are lost at a position, in samples."""
        self.seconds += seconds
        self.first = min(self.first, position / SAMPLE_RATE)


@dataclass
class Losses:
    """What of a recording's length is not what it should be.

    Attributes
    ----------
    damaged : Loss
        Could not be decoded, and is silent in the recording.
    missing : Loss
        Is not there by the file's clock, and is silent in the recording.
    not_believed : Loss
        Is not there by a clock that says more than the recording may be long; it is left out.
    """

    damaged: Loss = field(default_factory=Loss)
    missing: Loss = field(default_factory=Loss)
    not_believed: Loss = field(default_factory=Loss)

    def sentences(self) -> Iterator[str]:
        """Yield a sentence for each kind of loss."""
        missing = "are missing by the file's clock"
        for loss, what in (
            (self.damaged, "are damaged and were taken for silence"),
            (self.missing, f"{missing} and were taken for silence"),
            (self.not_believed, f"{missing}, too many to be believed, and were left out"),
        ):
            if loss.seconds >= LEAST_LOSS_S:
                yield f"{loss.seconds:.1f} s of the audio, the first at {loss.first:.1f} s, {what}."


@dataclass
class Track:
    """A track while it is decoded.

    Parameters
    ----------
    number : int
        Of the track in the recording, from 0.
    begin : int
        Where the file begins in the recording, in samples.
    zero : float or None
        What the file's clock says at its beginning, in seconds; None: it has no clock, and every
        frame follows the one before it.
    tick : float
        Seconds in which the clock counts.
    full_scale : float
        Of samples that are floats.

    Attributes
    ----------
    bytes : int
        Of all packets so far.
    """

    timeline: Timeline
    losses: Losses
    number: int
    begin: int
    zero: float | None
    tick: float
    full_scale: float = 1.0
    bytes: int = 0
    # Where the next samples go; where the next frame goes, of which some are still on their way.
    _position: int = field(init=False)
    _end_s: float = field(init=False)
    _form: tuple[int, str, str] | None = None
    _resampler: Any = None
    # A frame that is off its place, until the next one says whether it is the frame or the clock.
    _held: Any = None
    _frame_s: float = 0.0
    _good_s: float = 0.0
    _good_bytes: int = 0

    def __post_init__(self) -> None:
        self._go_to(self.begin)

    def put(self, frame: Any) -> None:
        """Put a frame where it belongs.

        Raises
        ------
        UnsupportedSampleRate
            422: outside the limits.
        AudioTooLong, TooManyChannels
            413: beyond the limits.
        """
        form = frame.sample_rate, frame.layout.name, frame.format.name
        if form != self._form and not self._takes(frame):
            self.lose(self._frame_s)
            return
        if self._held is not None:
            held, self._held = self._held, None
            self._place(held, follows=self._is_after(frame, held))
        if abs(self._off(frame)) > _TOLERANCE_S:
            self._held = frame
        else:
            self._write(frame)

    def heard(self, packet: Any) -> None:
        """Count the bytes of a packet that was decoded."""
        self.bytes += packet.size
        self._good_bytes += packet.size

    def skip(self, packet: Any) -> None:
        """Count the bytes of a packet that holds no audio."""
        self.bytes += packet.size

    def seconds_of(self, packet_bytes: int) -> float:
        """Return what this many bytes would sound for, by those that were decoded so far."""
        return self._good_s * max(0, packet_bytes) / max(1, self._good_bytes)

    def lose_packet(self, packet: Any) -> None:
        """Leave room for a packet that could not be decoded.

        Without a clock, what stands between two good frames is one packet, however long.
        """
        seconds = packet.duration * self.tick if packet.duration else self._frame_s
        if self.zero is None:
            seconds = max(seconds, self.seconds_of(packet.size))
        self.bytes += packet.size
        self.lose(seconds)

    def lose(self, seconds: float) -> None:
        """Leave room for what could not be decoded, as long as the recording may be."""
        self._settle()
        self.losses.damaged.add(seconds, self._position)
        position = self._position + round(seconds * SAMPLE_RATE)
        position = min(position, self.timeline.believed_room)
        if position > self.timeline.room:
            raise self.timeline.too_long()
        self._go_to(position)

    def finish(self) -> None:
        """Put down what is left."""
        self._settle()
        self.timeline.reach(self._position)

    def _settle(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._place(held, follows=True)
        self._flush()

    def _takes(self, frame: Any) -> bool:
        """Whether a frame of another form is within the limits; if the first is not, refuse it."""
        try:
            check_form(self.timeline.limits.channels, frame.sample_rate, frame.layout.nb_channels)
        except EndpointError:
            if self._form is None:
                raise
            return False  # The form was good before: so this is damage.
        return True

    def _off(self, frame: Any) -> float:
        """Return by how many seconds a frame is later than the end of what came before it."""
        if self.zero is None or frame.pts is None:
            return 0.0
        return float(frame.pts * self.tick - self.zero + self.begin / SAMPLE_RATE - self._end_s)

    def _is_after(self, frame: Any, held: Any) -> bool:
        """Whether the clock of a frame goes on from that of the frame before it."""
        if frame.pts is None:
            return True
        end = held.pts * self.tick + held.samples / held.sample_rate
        return bool(abs(frame.pts * self.tick - end) <= _TOLERANCE_S)

    def _place(self, frame: Any, *, follows: bool) -> None:
        """Write a frame that is off its place: there if the next one follows it, else here."""
        off = self._off(frame)
        if follows and off > 0:
            self._skip(off)
        elif follows:
            self._set_back(off)
        self._write(frame)

    def _skip(self, seconds: float) -> None:
        """Leave what the clock says is missing silent, as long as the recording may be."""
        self._flush()
        position = self._position + round(seconds * SAMPLE_RATE)
        if position > self.timeline.believed_room:
            self.losses.not_believed.add(seconds, self._position)
            self._set_back(seconds)
            return
        if position > self.timeline.room:
            raise self.timeline.too_long()
        if self._position > self.begin:
            self.losses.missing.add(seconds, self._position)
        self._go_to(position)

    def _go_to(self, position: int) -> None:
        self._position = position
        self._end_s = position / SAMPLE_RATE

    def _set_back(self, seconds: float) -> None:
        """Take the clock from now on to be this much ahead of the recording."""
        self.zero = (self.zero or 0.0) + seconds

    def _write(self, frame: Any) -> None:
        form = frame.sample_rate, frame.layout.name, frame.format.name
        if form != self._form:
            self._flush()
            self._form = form
        if self._resampler is None:
            self._resampler = make_resampler(frame, is_mixed=self.timeline.is_mixed)
        self._frame_s = frame.samples / frame.sample_rate
        if frame.format.name in FLOATS:
            self._put_in_range(frame)
        self._good_s += self._frame_s
        self._end_s += self._frame_s
        frame.pts = None
        self._add(resampled(self._resampler, frame))

    def _put_in_range(self, frame: Any) -> None:
        """Take what is no number for silence, and what is beyond full scale for full scale."""
        samples = samples_of(frame)
        numbers = np.isfinite(samples)
        if not numbers.all():
            count = len(samples)
            lost, first = 1 - np.count_nonzero(numbers) / count, np.argmin(numbers) / count
            position = round((self._end_s + first * self._frame_s) * SAMPLE_RATE)
            self.losses.damaged.add(lost * self._frame_s, position)
            np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        if self.full_scale != 1:
            samples /= self.full_scale
        np.clip(samples, -1, 1, out=samples)

    def _flush(self) -> None:
        if self._resampler is not None:
            self._add(resampled(self._resampler, None))
            self._resampler = None
            self._go_to(self._position)

    def _add(self, blocks: Iterator[NDArray[np.int16]]) -> None:
        for block in blocks:
            if self.timeline.is_mixed and block.shape[1] > 1:
                block = block.mean(axis=1, keepdims=True).astype(np.int16)  # noqa: PLW2901
            self.timeline.add(self.number, self._position, block)
            self._position += len(block)


def check_form(most_channels: int, rate: int, channels: int) -> None:
    """Refuse what no line and no studio sends.

    Raises
    ------
    TooManyChannels
        413
    UnsupportedSampleRate
        422
    """
    if channels > most_channels:
        raise TooManyChannels(f"The audio has {channels} channels: send at most {most_channels}.")
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise UnsupportedSampleRate(
            f"The audio has {rate:,} samples per second: send {_LOWEST_RATE:,} to "
            f"{_HIGHEST_RATE:,}."
        )


def make_resampler(frame: Any, *, is_mixed: bool) -> Any:
    """Return what makes 16 kHz of frames like this one.

    Channels that are mixed are so by FFmpeg where their places are known (of 5.1 the centre is
    loudest); what has no places is left as it is: FFmpeg would guess, and drop some.
    """
    layout = "mono" if is_mixed and " channels" not in frame.layout.name else None
    # By the second: handling a block takes longer than resampling the 20 ms of a frame.
    return av.AudioResampler(format="s16", layout=layout, rate=SAMPLE_RATE, frame_size=SAMPLE_RATE)


def of_raw(
    blocks: Iterator[NDArray[np.int16]], rate: int, channels: int, *, is_mixed: bool
) -> Iterator[NDArray[np.int16]]:
    """Yield samples without a file around them at 16 kHz, in blocks of shape (n, channels)."""
    if is_mixed:
        blocks = (block.mean(axis=1, keepdims=True).astype(np.int16) for block in blocks)
        channels = 1
    if rate == SAMPLE_RATE:
        yield from blocks
        return
    resampler = None
    for block in blocks:
        # Without an order of channels, so that none is anything but a channel.
        frame = av.AudioFrame.from_ndarray(
            block.reshape(1, -1), format="s16", layout="mono" if channels == 1 else f"{channels}c"
        )
        frame.rate = rate
        resampler = resampler or make_resampler(frame, is_mixed=is_mixed)
        yield from resampled(resampler, frame)
    if resampler is not None:
        yield from resampled(resampler, None)


def resampled(resampler: Any, frame: Any) -> Iterator[NDArray[np.int16]]:
    """Yield what comes of a frame, or of the end (None), of shape (n, channels)."""
    for one in resampler.resample(frame):
        yield one.to_ndarray().reshape(-1, one.layout.nb_channels)
