# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""flite through its command, which reports phone ends; words are located by counting phones."""

import functools
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo_model.tts.errors import SynthesiserMissing
from demo_model.tts.voices import Voice

_PAUSE = "pau"


def speak(voice: Voice, text: str) -> tuple[NDArray[np.int16], int, list[float] | None]:
    """Return int16 samples, their rate in Hz, and the start of each word in seconds.

    The starts are None if a word's phones differ between sentence and isolation, so that they
    cannot be counted.
    """
    settings = (f"duration_stretch={1 / voice.tempo:.3f}", f"int_f0_target_mean={voice.pitch:.0f}")
    options = [word for setting in settings for word in ("--setf", setting)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "clip.wav"
        printed = _run("-voice", voice.name, *options, "-psdur", "-t", text, "-o", str(out))
        with wave.open(str(out), "rb") as file:
            rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    ends = [(phone, float(end)) for phone, end in (item.split(":") for item in printed.split())]
    return np.frombuffer(pcm, "<i2"), rate, _starts(voice.name, text.split(), ends)


def _starts(voice: str, words: list[str], ends: list[tuple[str, float]]) -> list[float] | None:
    begins = [0.0, *(end for _, end in ends)]
    phones = [begins[index] for index, (phone, _) in enumerate(ends) if phone != _PAUSE]
    counts = [_phone_count(voice, word) for word in words]
    if sum(counts) != len(phones):
        return None
    return [phones[sum(counts[:index])] for index in range(len(words))]


@functools.cache
def _phone_count(voice: str, word: str) -> int:
    printed = _run("-voice", voice, "-ps", "-t", word, "-o", "none").split()
    return sum(phone != _PAUSE for phone in printed)


def _run(*arguments: str) -> str:
    if shutil.which("flite") is None:
        raise SynthesiserMissing("flite is not installed; run `apt-get install espeak-ng flite`.")
    done = subprocess.run(["flite", *arguments], check=True, capture_output=True, text=True)
    return done.stdout
