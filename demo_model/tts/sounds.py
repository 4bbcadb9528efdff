# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sounds of a line without speech: silence, noise, hold music, tones, clicks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]
Sound = Callable[[int, int, np.random.Generator], Signal]


# Frequencies in Hz and seconds on and off, from ITU-T E.180's supplement: North America, Spain.
_CALL_TONES = (
    ((440, 480), 2.0, 4.0),
    ((480, 620), 0.5, 0.5),
    ((350, 440), 9.0, 0.1),
    ((425,), 1.5, 3.0),
    ((425,), 0.2, 0.2),
    ((425,), 9.0, 0.1),
    ((1400,), 0.5, 14.5),  # the recording beep
)
_DTMF_LOW = (697, 770, 852, 941)
_DTMF_HIGH = (1209, 1336, 1477, 1633)
_SCALE = (0, 2, 4, 5, 7, 9, 11)
_CHORDS = ((0, 2, 4), (3, 5, 0), (4, 6, 1), (5, 0, 2))


def silence(length: int, sample_rate: int, chance: np.random.Generator) -> Signal:
    """Return digital silence, or noise below -75 dB of full scale."""
    del sample_rate
    if chance.random() < 0.5:
        return np.zeros(length, np.float32)
    return _white(length, chance) * np.float32(10 ** (chance.uniform(-95, -75) / 20))


def noise(length: int, sample_rate: int, chance: np.random.Generator) -> Signal:
    """Return white, pink or brown noise between -70 and -25 dB, steady or swelling."""
    del sample_rate
    slope = chance.choice([0.0, 0.5, 1.0])
    spectrum = np.fft.rfft(_white(length, chance))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** slope
    spectrum[0] = 0
    shaped = np.fft.irfft(spectrum, length)
    shaped *= 10 ** (chance.uniform(-70, -25) / 20) / max(1e-9, float(shaped.std()))
    if chance.random() < 0.4:
        knots = chance.uniform(0.1, 1.0, max(2, length // 8_000))
        shaped *= np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(knots)), knots)
    return np.asarray(np.clip(shaped, -1, 1), np.float32)


def hum(length: int, sample_rate: int, chance: np.random.Generator) -> Signal:
    """Return mains hum of 50 or 60 Hz with its harmonics."""
    time = np.arange(length) / sample_rate
    base = chance.choice([50.0, 60.0])
    waves = sum(
        chance.uniform(0, 1) / order * np.sin(2 * np.pi * base * order * time)
        for order in range(1, 9)
    )
    return np.asarray(waves * 10 ** (chance.uniform(-55, -30) / 20), np.float32)


def tones(length: int, sample_rate: int, chance: np.random.Generator) -> Signal:
    """Return ringing, busy and dial tones, the recording beep, or DTMF keys."""
    time = np.arange(length) / sample_rate
    level = 10 ** (chance.uniform(-35, -12) / 20)
    if chance.random() < 0.3:
        out = np.zeros(length)
        start = chance.uniform(0, 0.5)
        while start * sample_rate < length:
            key = (time >= start) & (time < start + 0.12)
            pair = (chance.choice(_DTMF_LOW), chance.choice(_DTMF_HIGH))
            out[key] = sum(np.sin(2 * np.pi * tone * time[key]) for tone in pair)
            start += chance.uniform(0.2, 0.9)
        return np.asarray(out * level / 2, np.float32)
    frequencies, on, off = _CALL_TONES[chance.integers(len(_CALL_TONES))]
    phase = (time + chance.uniform(0, on)) % (on + off)
    wave = sum(np.sin(2 * np.pi * tone * time) for tone in frequencies)
    return np.asarray(np.where(phase < on, wave, 0) * level / len(frequencies), np.float32)


def hold_music(length: int, sample_rate: int, chance: np.random.Generator) -> Signal:
    """Return a random tune over broken chords: plucked or held notes with harmonics."""
    beat = chance.uniform(0.22, 0.6)
    root = 110 * 2 ** (chance.integers(12) / 12)
    richness = chance.uniform(0.2, 0.8)
    decay = chance.uniform(0.5, 6)
    out = np.zeros(length)
    for index in range(int(length / sample_rate / beat) + 1):
        chord = _CHORDS[(index // 4) % len(_CHORDS)]
        notes = [(chord[index % 3], 0), (int(chance.integers(len(_SCALE))), 1)]
        if index % 4 == 0:
            notes += [(degree, 0) for degree in chord]
        for degree, octave in notes:
            frequency = root * 2 ** (octave + _SCALE[degree] / 12)
            _add_note(
                out, round(index * beat * sample_rate), frequency, sample_rate, richness, decay
            )
    out *= 10 ** (chance.uniform(-35, -14) / 20) / max(1e-9, float(np.sqrt(np.mean(out**2))))
    return np.asarray(np.clip(out, -1, 1), np.float32)


def _add_note(
    out: NDArray[np.float64],
    start: int,
    frequency: float,
    sample_rate: int,
    richness: float,
    decay: float,
) -> None:
    end = min(len(out), start + round(1.2 * sample_rate))
    time = np.arange(end - start) / sample_rate
    envelope = np.minimum(time / 0.01, 1) * np.exp(-decay * time)
    for harmonic in range(1, 6):
        if frequency * harmonic < sample_rate / 2:
            wave = np.sin(2 * np.pi * frequency * harmonic * time)
            out[start:end] += richness ** (harmonic - 1) * envelope * wave


def clicks(length: int, sample_rate: int, chance: np.random.Generator) -> Signal:
    """Return short bursts: clicks, knocks, a receiver put down."""
    out = np.zeros(length, np.float32)
    for _ in range(int(chance.integers(1, 6))):
        size = int(sample_rate * chance.uniform(0.002, 0.25))
        start = int(chance.integers(max(1, length - size)))
        burst = _white(size, chance) * np.exp(-np.arange(size) / (size / 5))
        out[start : start + size] += burst[: length - start] * 10 ** (chance.uniform(-40, -12) / 20)
    return np.clip(out, -1, 1)


SOUNDS: dict[str, Sound] = {
    "silence": silence,
    "noise": noise,
    "hum": hum,
    "tones": tones,
    "music": hold_music,
    "clicks": clicks,
}


def _white(length: int, chance: np.random.Generator) -> Signal:
    return chance.standard_normal(length, dtype=np.float32)
