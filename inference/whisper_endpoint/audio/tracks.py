# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Resamples the frames of a track to 16 kHz and places them by the file's timestamps."""

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

# Supported sample rates, from telephone lines to studios.
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 192_000

# Timestamps may be in milliseconds, and some codecs' first frames are trimmed. A frame that is off
# by less than this directly follows the one before it.
_TOLERANCE_S = 0.1

# Share of the channels' mean power that a mix of two has: 1 if they are equal, a half if they are
# different voices.
_PAIR, _LEAST_KEPT = 2, 0.05

LEAST_LOSS_S = 0.2
"""Less than this is rounding of timestamps, or a codec's first and last frame."""

# FFmpeg's default filter in samples of the lower rate. Less input than this has too little output.
_FILTER_TAPS = 32


@dataclass
class Loss:
    """Seconds lost for one reason, and the time of the first loss."""

    seconds: float = 0.0
    first: float = float("inf")

    def add(self, seconds: float, position: int) -> None:
        """Add lost seconds at a position, given in samples."""
        self.seconds += seconds
        self.first = min(self.first, position / SAMPLE_RATE)


@dataclass
class Losses:
    """Losses of a recording by reason.

    Attributes
    ----------
    damaged : Loss
        Could not be decoded; silent in the recording.
    missing : Loss
        Gaps in the timestamps; silent in the recording.
    not_believed : Loss
        Gaps that would make the recording implausibly long; skipped.
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
    """A track being decoded.

    Parameters
    ----------
    number : int
        Index of the track in the recording, from 0.
    begin : int
        Start of the file in the recording, in samples.
    zero : float or None
        Timestamp of the file's beginning, in seconds; None: it has no timestamps, and every frame
        directly follows the one before it.
    tick : float
        Unit of the timestamps in seconds.
    full_scale : float
        Full scale of float samples.
    begin_of_packets : int or None
        File offset of what follows the header, if only packets of this track do; packets were lost
        if the first one is not there.

    Attributes
    ----------
    bytes : int
        Size of all packets so far.
    """

    timeline: Timeline
    losses: Losses
    number: int
    begin: int
    zero: float | None
    tick: float
    full_scale: float = 1.0
    begin_of_packets: int | None = None
    bytes: int = 0
    # Position of the next samples; time of the next frame (samples may still be in the resampler).
    _position: int = field(init=False)
    _end_s: float = field(init=False)
    _form: tuple[int, str, str] | None = None
    _resampler: "Resampler | None" = None
    # A frame with an unexpected timestamp, until the next one shows whether only this one is wrong.
    _held: Any = None
    _frame_s: float = 0.0
    _good_s: float = 0.0
    _good_bytes: int = 0
    # Seconds until the first frame, and the file offset of its packet.
    _late_s: float = 0.0
    _first_packet: int | None = None

    def __post_init__(self) -> None:
        self._go_to(self.begin)

    def put(self, frame: Any) -> None:
        """Place a frame on the timeline.

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
        if self._first_packet is None:
            self._first_packet = packet.pos or 0

    def skip(self, packet: Any) -> None:
        """Count the bytes of a packet that holds no audio."""
        self.bytes += packet.size

    def seconds_of(self, packet_bytes: int) -> float:
        """Return the duration of this many bytes, at the average rate decoded so far."""
        return self._good_s * max(0, packet_bytes) / max(1, self._good_bytes)

    def lose_packet(self, packet: Any) -> None:
        """Insert silence for a packet that could not be decoded.

        Without timestamps, all bytes between two good frames are one packet, however many.
        """
        seconds = packet.duration * self.tick if packet.duration else self._frame_s
        if self.zero is None:
            seconds = max(seconds, self.seconds_of(packet.size))
        self.bytes += packet.size
        self.lose(seconds)

    def lose(self, seconds: float) -> None:
        """Insert silence for audio that could not be decoded, up to the maximum length."""
        self._settle()
        self.losses.damaged.add(seconds, self._position)
        position = self._position + round(seconds * SAMPLE_RATE)
        position = min(position, self.timeline.believed_room)
        if position > self.timeline.room:
            raise self.timeline.too_long()
        self._go_to(position)

    def finish(self) -> None:
        """Write the remaining samples."""
        self._settle()
        if self._late_s and self.begin_of_packets is not None:
            lost_bytes = (self._first_packet or 0) - self.begin_of_packets
            if self.seconds_of(lost_bytes) > self._late_s / 2:
                self.losses.missing.add(self._late_s, self.begin)
        self.timeline.reach(self._position)

    def _settle(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._place(held, follows=True)
        self._flush()

    def _takes(self, frame: Any) -> bool:
        """Whether a frame of another format is within the limits; raise if the first is not."""
        try:
            check_form(self.timeline.limits.channels, frame.sample_rate, frame.layout.nb_channels)
        except EndpointError:
            if self._form is None:
                raise
            return False  # The format was good before, so this is damage.
        return True

    def _off(self, frame: Any) -> float:
        """Return the gap in seconds between a frame's timestamp and the end of the last frame."""
        if self.zero is None or frame.pts is None:
            return 0.0
        return float(frame.pts * self.tick - self.zero + self.begin / SAMPLE_RATE - self._end_s)

    def _is_after(self, frame: Any, held: Any) -> bool:
        """Whether a frame's timestamp continues that of the held frame."""
        if frame.pts is None:
            return True
        end = held.pts * self.tick + held.samples / held.sample_rate
        return bool(abs(frame.pts * self.tick - end) <= _TOLERANCE_S)

    def _place(self, frame: Any, *, follows: bool) -> None:
        """Write a held frame: at its timestamp if the next one continues it, else right here."""
        off = self._off(frame)
        if follows and off > 0:
            self._skip(off)
        elif follows:
            self._set_back(off)
        self._write(frame)

    def _skip(self, seconds: float) -> None:
        """Insert silence for a gap in the timestamps, up to the maximum length."""
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
        else:
            self._late_s = seconds
        self._go_to(position)

    def _go_to(self, position: int) -> None:
        self._position = position
        self._end_s = position / SAMPLE_RATE

    def _set_back(self, seconds: float) -> None:
        """Shift the timestamps so that no gap is seen from now on."""
        self.zero = (self.zero or 0.0) + seconds

    def _write(self, frame: Any) -> None:
        form = frame.sample_rate, frame.layout.name, frame.format.name
        if form != self._form:
            self._flush()
            self._form = form
        if self._resampler is None:
            self._resampler = Resampler(frame, is_mixed=self.timeline.is_mixed)
        self._frame_s = frame.samples / frame.sample_rate
        if frame.format.name in FLOATS:
            self._put_in_range(frame)
        self._good_s += self._frame_s
        self._end_s += self._frame_s
        frame.pts = None
        self._add(self._resampler.add(frame))

    def _put_in_range(self, frame: Any) -> None:
        """Replace NaN and infinity by silence, apply the full scale and clip."""
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
            self._add(self._resampler.finish())
            self._resampler = None
            self._go_to(self._position)

    def _add(self, blocks: Iterator[NDArray[np.int16]]) -> None:
        for block in blocks:
            if self.timeline.is_mixed:
                block = mixed(block)  # noqa: PLW2901
            self.timeline.add(self.number, self._position, block)
            self._position += len(block)


def check_form(most_channels: int, rate: int, channels: int) -> None:
    """Check sample rate and channels.

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
            f"{_HIGHEST_RATE:,}, for example after ffmpeg -i old.wav -ar 16000 new.wav."
        )


class Resampler:
    """Resamples consecutive frames of one format to 16 kHz, int16.

    FFmpeg mixes channels with known positions (in 5.1 the centre is loudest). Two channels, and
    those without positions, are kept for :func:`mixed`: FFmpeg would guess, and drop some.

    Parameters
    ----------
    frame : av.AudioFrame
        Any frame of that format.
    is_mixed : bool
    """

    def __init__(self, frame: Any, *, is_mixed: bool) -> None:
        self._rate = frame.sample_rate
        self._given = 0
        self._last: Any = None
        is_kept = frame.layout.name == "stereo" or " channels" in frame.layout.name
        self._resampler = av.AudioResampler(
            format="s16",
            layout="mono" if is_mixed and not is_kept else None,
            rate=SAMPLE_RATE,
            # Blocks of 1 s: handling a block takes longer than resampling the 20 ms of a frame.
            frame_size=SAMPLE_RATE,
        )

    def add(self, frame: Any) -> Iterator[NDArray[np.int16]]:
        """Resample a frame; yield blocks of shape (n, channels)."""
        self._given += frame.samples
        self._last = frame
        yield from self._blocks(frame)

    def finish(self) -> Iterator[NDArray[np.int16]]:
        """Yield the rest.

        FFmpeg drops input that is shorter than half its filter, and part of what is little longer.
        Such input is extended by repeating its last frame, and the output cut to its length.
        """
        length = -(-self._given * SAMPLE_RATE // self._rate)
        enough = 2 * _FILTER_TAPS * max(1.0, self._rate / SAMPLE_RATE)
        is_short = 0 < self._given < enough
        while 0 < self._given < enough:
            yield from self.add(self._last)
        for block in self._blocks(None):
            yield block[:length] if is_short else block

    def _blocks(self, frame: Any) -> Iterator[NDArray[np.int16]]:
        for one in self._resampler.resample(frame):
            yield one.to_ndarray().reshape(-1, one.layout.nb_channels)


def mixed(block: NDArray[np.int16]) -> NDArray[np.int16]:
    """Mix channels into one.

    Two that are the inverse of each other, as of a balanced line, would be silent: the second one
    is inverted first.

    Parameters
    ----------
    block : ndarray, shape (n, channels), int16

    Returns
    -------
    ndarray, shape (n, 1), int16
    """
    channels = block.shape[1]
    if channels == 1:
        return block
    sums = block.sum(axis=1, keepdims=True, dtype=np.int32)
    if channels == _PAIR and _power(sums) < _LEAST_KEPT * 4 * _power(block):
        sums = block[:, :1].astype(np.int32) - block[:, 1:]
    mean: NDArray[np.int16] = np.rint(sums / channels).astype(np.int16)
    return mean


def _power(samples: NDArray[np.int16] | NDArray[np.int32]) -> float:
    """Return the mean square."""
    return float(np.square(samples, dtype=np.float64).mean()) if samples.size else 0.0


def of_raw(
    blocks: Iterator[NDArray[np.int16]], rate: int, channels: int, *, is_mixed: bool
) -> Iterator[NDArray[np.int16]]:
    """Yield raw samples resampled to 16 kHz, in blocks of shape (n, channels)."""
    if is_mixed:
        blocks = map(mixed, blocks)
        channels = 1
    if rate == SAMPLE_RATE:
        yield from blocks
        return
    resampler = None
    for block in blocks:
        # A layout without positions, so that FFmpeg treats all channels alike.
        frame = av.AudioFrame.from_ndarray(
            block.reshape(1, -1), format="s16", layout="mono" if channels == 1 else f"{channels}c"
        )
        frame.rate = rate
        resampler = resampler or Resampler(frame, is_mixed=is_mixed)
        yield from resampler.add(frame)
    if resampler is not None:
        yield from resampler.finish()
