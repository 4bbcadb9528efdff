# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Ten voices: prompts of five people, four flite voices of real people, and a synthetic one.

They are split into disjoint halves: thresholds were chosen on one, and published results measured
on the other.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks.real_calls.levels import speech_frames
from benchmarks.real_calls.prompts import SAMPLE_RATE, Prompt, read_prompts
from scripts.publish.errors import CommandError

Signal = NDArray[np.float32]

_SOUNDS = Path("/usr/share/asterisk/sounds")
_PACKAGES = (
    "asterisk-core-sounds-{en,es,fr,it,ru}{,-wav} asterisk-prompt-it-menardi-wav espeak-ng flite"
)
# Shorter ones are single words and numbers, which rarely follow one another in calls.
_SHORTEST_S, _LONGEST_S = 0.8, 12.0
# Sentences per synthetic voice: enough to rarely repeat in an hour's call.
_SENTENCES = 60


@dataclass(frozen=True)
class Person:
    """A speaker.

    Attributes
    ----------
    name : str
    source : str
        Folder in Debian's sounds, or ``synthesiser:voice``.
    """

    name: str
    source: str


# Allison is one person who reads English and Spanish.
CHOSEN_ON: Final = (
    Person("Allison", "en_US_f_Allison"),
    Person("Carlo", "it_IT_m_Carlo"),
    Person("rms", "flite:rms"),
    Person("slt", "flite:slt"),
    Person("espeak", "espeak-ng:en-gb"),
)
"""The half for choosing thresholds."""

MEASURED_ON: Final = (
    Person("June", "fr_CA_f_June"),
    Person("Ivrvoice", "ru_RU_f_IvrvoiceRU"),
    Person("Menardi", "it_IT_f_Menardi"),
    Person("awb", "flite:awb"),
    Person("kal", "flite:kal16"),
)
"""The half for published measurements."""


@cache
def utterances(person: Person) -> tuple[Signal, ...]:
    """Return a person's utterances: float32, 8 kHz, trimmed of silence.

    Raises
    ------
    CommandError
        The voice is not installed.
    """
    said = _all_said(person)
    usable = [one for one in said if _SHORTEST_S <= len(one) / SAMPLE_RATE <= _LONGEST_S]
    if not usable:
        raise _not_installed(person)
    return tuple(usable)


def read_by(person: Person) -> tuple[Prompt, ...]:
    """Return the English prompts read by a synthetic voice.

    Raises
    ------
    CommandError
        The voice is not installed.
    """
    return tuple(
        replace(prompt, samples=(said.clip(-1, 1) * 32767).astype(np.int16))
        for prompt, said in zip(read_prompts("en"), _all_said(person), strict=False)
    )


def _all_said(person: Person) -> list[Signal]:
    """Return everything that a person says, without silence around each piece."""
    kind, _, voice = person.source.partition(":")
    try:
        said = _spoken(kind, voice) if voice else _recorded(kind)
        return [_trimmed(one) for one in said]
    except FileNotFoundError:
        raise _not_installed(person) from None


def _not_installed(person: Person) -> CommandError:
    return CommandError(f"{person.name}'s voice is not installed: apt-get install {_PACKAGES}.")


def _recorded(folder: str) -> Iterator[Signal]:
    """Yield the sentences in a folder: other prompts are tones, numbers and noises."""
    language = folder[:2]
    for prompt in read_prompts(language):
        path = _SOUNDS / folder / f"{prompt.name}.wav"
        if path.is_file():
            yield _decoded(str(path))


def _spoken(synthesiser: str, voice: str) -> Iterator[Signal]:
    for prompt in read_prompts("en")[:_SENTENCES]:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            line = {
                "flite": ["flite", "-voice", voice, "-t", prompt.text, "-o", file.name],
                "espeak-ng": ["espeak-ng", "-v", voice, "-w", file.name, prompt.text],
            }[synthesiser]
            subprocess.run(line, check=True, capture_output=True)
            yield _decoded(file.name)


def _decoded(path: str) -> Signal:
    with av.open(path) as container:
        frames = list(container.decode(audio=0))
        rate = container.streams.audio[0].rate
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    signal = samples.astype(np.float32) / 32768
    return np.asarray(soxr.resample(signal, rate, SAMPLE_RATE), np.float32)


def _trimmed(signal: Signal) -> Signal:
    voiced = np.flatnonzero(_frames(signal))
    if not len(voiced):
        return signal[:0]
    frame = SAMPLE_RATE // 100
    return signal[voiced[0] * frame : (voiced[-1] + 1) * frame]


def _frames(signal: Signal) -> NDArray[np.bool_]:
    return speech_frames((signal * 32767).astype(np.int16), SAMPLE_RATE)
