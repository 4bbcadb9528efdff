# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Silences what a call's channel only repeats of the other: the echo of a line or a loudspeaker.

A channel that is otherwise idle is amplified for the detector, which then hears the other party in
it, so that the same words are in the transcript twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.messages import SAMPLE_RATE, Samples, Span

# Echoes are compared at a rate at which an hour takes seconds.
_STEP: Final = 4
_RATE: Final = SAMPLE_RATE // _STEP
# An echo comes up to this much later; the other channel may have been recorded with a delay too.
_LATEST, _EARLIEST = 6 * _RATE // 10, _RATE // 10
_LAGS: Final = _LATEST + _EARLIEST + 1
# A delay is looked for in a second at a time, and an echo with that delay in a quarter of one.
_LONG, _SHORT = _RATE, _RATE // 4
# Two voices correlate by up to 0.45 in a second at their most similar delay, a voice and its echo
# by 0.9 after AMR and 0.7 in a small room.
_ALIKE: Final = 0.65
# With this in a quarter of a second, at most half of the power is somebody's own voice. Only one
# such quarter may be a pause between somebody's own words.
_NOTHING_ELSE: Final = 0.7
_LEAST_QUARTERS: Final = 2
# At least this much quieter, in power (10 dB): otherwise it may be the call on both channels.
_QUIETER: Final = 10.0
# Power of an idle line (-75 dBFS), and of what is lost to the rounding to 16 bits.
_SILENT: Final = 10**-7.5
# Hum correlates too, but at a different delay every second.
_LEAST_SECONDS, _LEAST_SHARE = 3, 0.5
_SAME_LAG: Final = _RATE // 1000
_SIDES: Final = 2


class Echo(NamedTuple):
    """What of a channel is the other's echo.

    Attributes
    ----------
    spans : tuple of Span
        In order, not overlapping.
    delay_s : float
        By how much it is later than the other channel; negative if earlier.
    """

    spans: tuple[Span, ...]
    delay_s: float

    @property
    def seconds(self) -> float:
        """Length of all spans in seconds."""
        return sum(one.end - one.start for one in self.spans) / SAMPLE_RATE

    def warning(self, channel: int, other: int) -> str:
        """Return a sentence about the echo on a channel of the other one."""
        return (
            f"In {self.seconds:.1f} s of channel {channel}, the first at "
            f"{self.spans[0].start / SAMPLE_RATE:.1f} s, only the echo of channel {other} was "
            "heard, which was left out: send vad_filter=false to transcribe it too."
        )


@dataclass(frozen=True)
class WithoutEcho:
    """Samples of a recording with some spans silenced as they are read."""

    samples: Samples
    spans: tuple[Span, ...]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    def __getitem__(self, where: slice) -> NDArray[np.float32]:
        """Return the samples of a slice without a step, float32 in [-1, 1]."""
        start, end, _ = where.indices(len(self.samples))
        found = self.samples[start:end].copy()
        for span in self.spans:
            found[max(0, span.start - start) : max(0, span.end - start)] = 0
        return found


def without_echoes(
    channels: tuple[Audio[Samples], ...], check: Callable[[], None] = lambda: None
) -> tuple[Audio[Samples], ...]:
    """Return the channels with echoes silenced, if they are two, each echo with a warning.

    Parameters
    ----------
    check : callable, optional
        Called every second of the recording; may raise to abort.
    """
    if len(channels) != _SIDES:
        return channels
    cleaned = []
    for number, audio in enumerate(channels):
        other = 1 - number
        echo = find_echo(audio.samples, channels[other].samples, check)
        if echo is None:
            cleaned.append(audio)
            continue
        quiet: Samples = WithoutEcho(audio.samples, echo.spans)
        cleaned.append(Audio(quiet, (*audio.warnings, echo.warning(number, other))))
    return tuple(cleaned)


def find_echo(
    heard: Samples, source: Samples, check: Callable[[], None] = lambda: None
) -> Echo | None:
    """Find where a channel has nothing but an echo of the other.

    Parameters
    ----------
    heard, source : Samples, 16 kHz mono
        The channel that may have an echo, and the one that it would be an echo of.
    check : callable, optional
        Called every second of the recording; may raise to abort.

    Returns
    -------
    Echo or None
        None if the channel has no echo.
    """
    lag = _lag(heard, source, check)
    if lag is None:
        return None
    alike = np.array([_alike(one, lag) for one in _pairs(heard, source, _SHORT, check)])
    size = _SHORT * _STEP
    spans = (
        Span(start * size, end * size)
        for start, end in _runs(alike >= _ALIKE)
        if (alike[start:end] >= _NOTHING_ELSE).sum() >= _LEAST_QUARTERS
    )
    found = tuple(spans)
    return Echo(found, lag / _RATE) if found else None


class _Pair(NamedTuple):
    """A part of the channel, and of the other one with everything it may be an echo of."""

    heard: NDArray[np.float32]
    source: NDArray[np.float32]

    def correlations(self) -> NDArray[np.float64] | None:
        """Return the correlation, 0 to 1, for each delay, the latest first; None if too loud."""
        size = len(self.heard)
        power = float(self.heard @ self.heard)
        sums = np.concatenate([[0.0], np.cumsum(np.square(self.source, dtype=np.float64))])
        powers = sums[size:] - sums[:-size]
        if power <= _SILENT * size or powers.max() < _QUIETER * power:
            return None
        whole = len(self.source)
        spectrum = np.fft.rfft(self.source) * np.conj(np.fft.rfft(self.heard, whole))
        products = np.abs(np.fft.irfft(spectrum, whole)[:_LAGS])
        alike: NDArray[np.float64] = products / np.sqrt(powers * power + 1e-12)
        return np.where(powers < _QUIETER * power, 0.0, alike)


def _lag(heard: Samples, source: Samples, check: Callable[[], None]) -> int | None:
    """Return the delay that most of the seconds with an echo have; None if there are too few."""
    lags = []
    for pair in _pairs(heard, source, _LONG, check):
        alike = pair.correlations()
        if alike is not None and alike.max() >= _ALIKE:
            lags.append(_LATEST - int(alike.argmax()))
    if len(lags) < _LEAST_SECONDS:
        return None
    middle = int(np.median(lags))
    same = sum(abs(lag - middle) <= _SAME_LAG for lag in lags)
    return middle if same >= max(_LEAST_SECONDS, _LEAST_SHARE * len(lags)) else None


def _alike(pair: _Pair, lag: int) -> float:
    """Return the correlation at a delay; 0 if the channel is too loud for an echo, or silent."""
    alike = pair.correlations()
    if alike is None:
        return 0.0
    middle = _LATEST - lag
    return float(alike[max(0, middle - _SAME_LAG) : middle + _SAME_LAG + 1].max())


def _runs(are_alike: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run; a gap of one quarter is a pause between words."""
    closed = are_alike.copy()
    closed[1:-1] |= are_alike[:-2] & are_alike[2:]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], closed, [0]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _pairs(
    heard: Samples, source: Samples, size: int, check: Callable[[], None]
) -> Iterator[_Pair]:
    """Yield the whole parts of a channel, each next to that of the other."""
    for number in range(min(len(heard), len(source)) // (size * _STEP)):
        start = number * size
        if start % _RATE == 0:
            check()
        yield _Pair(
            _reduced(heard, start, start + size),
            _reduced(source, start - _LATEST, start + size + _EARLIEST),
        )


def _reduced(samples: Samples, start: int, end: int) -> NDArray[np.float32]:
    """Return samples at a quarter of the rate, silent outside the recording.

    Differences are taken of them, so that hum and a constant offset hardly count.
    """
    found = np.zeros(end - start + 1, np.float32)
    first, last = max(0, start - 1), min(end, len(samples) // _STEP)
    if first < last:
        part = samples[first * _STEP : last * _STEP].reshape(-1, _STEP).mean(axis=1)
        found[first - start + 1 : last - start + 1] = part
    return np.diff(found)
