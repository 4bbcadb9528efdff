# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sentences spoken by Debian's free synthesisers, espeak-ng and flite, at telephone rate."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import soxr

from scripts.errors import CommandError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Speech: TypeAlias = NDArray[np.float64]

SAMPLE_RATE = 8_000
LEVEL_DBFS = -22.0  # RMS of active speech; telephone networks aim at about -26 to -20 dBm0
PEAK = 0.95
BOUNDS_FRAME = SAMPLE_RATE // 100
BOUNDS_BELOW_DB = 40.0


class SynthesiserMissing(CommandError):
    """A synthesiser is not installed; the message says how to install it."""


@dataclass(frozen=True)
class Voice:
    """A synthetic speaker.

    Attributes
    ----------
    engine : str
        "espeak-ng" or "flite".
    name : str
        The engine's own name for the voice.
    pitch : int
        espeak-ng: 0 to 99; flite: mean of the fundamental, in Hz.
    tempo : float
        espeak-ng: words per minute; flite: factor on every duration.
    """

    engine: str
    name: str
    pitch: int
    tempo: float

    def __str__(self) -> str:
        return f"{self.engine}:{self.name}"

    def command(self, text: str, out: Path) -> list[str]:
        """Return the command that speaks `text` into the WAV file `out`."""
        if self.engine == "espeak-ng":
            tempo, pitch = str(round(self.tempo)), str(self.pitch)
            return ["espeak-ng", "-v", self.name, "-s", tempo, "-p", pitch, "-w", str(out), text]
        settings = (f"duration_stretch={self.tempo}", f"int_f0_target_mean={self.pitch}")
        options = [word for setting in settings for word in ("--setf", setting)]
        return ["flite", "-voice", self.name, *options, "-t", text, "-o", str(out)]


def speak(voice: Voice, text: str) -> Speech:
    """Synthesise a sentence.

    Returns
    -------
    ndarray, shape (n,), float64 in [-1, 1]
        8 kHz mono at a common level, as the synthesiser left it in time.

    Raises
    ------
    SynthesiserMissing
        If the voice's engine is not installed.
    """
    if shutil.which(voice.engine) is None:
        raise SynthesiserMissing(
            f"{voice.engine} is not installed; run `apt-get install espeak-ng flite`."
        )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "clip.wav"
        subprocess.run(voice.command(text, out), check=True, capture_output=True)
        with wave.open(str(out), "rb") as file:
            rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    clip = np.frombuffer(pcm, "<i2").astype(np.float64) / 32768
    return level(np.asarray(soxr.resample(clip, rate, SAMPLE_RATE)))


def level(clip: Speech) -> Speech:
    """Scale a clip so that its speech has `LEVEL_DBFS`, its highest peak at most `PEAK`."""
    start, end = speech_bounds(clip)
    rms = float(np.sqrt(np.mean(clip[start:end] ** 2)))
    scale = min(10 ** (LEVEL_DBFS / 20) / rms, PEAK / float(np.abs(clip).max()))
    return clip * scale


def speech_bounds(clip: Speech) -> tuple[int, int]:
    """Find first and last sound: frames of 10 ms less than 40 dB below the loudest one.

    Returns
    -------
    start, end : int
        Sample indices; `end` is exclusive.
    """
    frames = clip[: len(clip) // BOUNDS_FRAME * BOUNDS_FRAME].reshape(-1, BOUNDS_FRAME)
    power = np.mean(frames**2, axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-BOUNDS_BELOW_DB / 10))
    return int(loud[0]) * BOUNDS_FRAME, int(loud[-1] + 1) * BOUNDS_FRAME
