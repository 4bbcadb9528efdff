# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Real voices: the telephone prompts of Debian's `asterisk-core-sounds-*-wav`, with their texts.

Five speakers, one for each language, recorded at 8 kHz and licensed CC-BY-SA. They are read where
Debian installs them, and are no part of this repository. Hold music comes from
`asterisk-moh-opsound-wav`.
"""

import gzip
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_calls.levels import speech_frames
from scripts.publish.errors import CommandError

SAMPLE_RATE: Final = 8_000
VOICES: Final = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
"""Folder of each language's speaker."""

_SOUNDS = Path("/usr/share/asterisk/sounds")
_MUSIC = Path("/usr/share/asterisk/moh")
_TEXTS = "/usr/share/doc/asterisk-core-sounds-{0}/core-sounds-{0}.txt.gz"
# As bash reads it. Those without -wav have the texts.
_PACKAGES = "asterisk-core-sounds-{en,es,fr,it,ru}{,-wav} asterisk-moh-opsound-wav"
_LINE = re.compile(r"([\w/+-]+): (.+)")

# What stands in brackets is about the recording, or is not in it; signs are read out in words of
# the speaker's choice; a replacement character is a letter that was lost.
_NOT_SAID = re.compile(r"[\[\](){}<>*#\ufffd]")
# Whisper's normaliser reads numbers in English alone: elsewhere "1" and "uno" would be an error.
_DIGIT = re.compile(r"\d")
_FEWEST_WORDS = 4
_LONGEST_S = 28.0
# Readers of prompts say 9 to 22 letters a second; outside of this the text is another recording's.
_SLOWEST, _FASTEST = 7.0, 24.0


@dataclass(frozen=True)
class Prompt:
    """Something that a person said.

    Attributes
    ----------
    name : str
        Path of its file below the speaker's folder, without the ending.
    language : str
        Whisper's code.
    text : str
        What is said, as its speaker was given it.
    samples : ndarray, shape (n,), int16, 8 kHz
        From the first to the last frame that is speech by its level.
    """

    name: str
    language: str
    text: str
    samples: NDArray[np.int16]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / SAMPLE_RATE


def missing() -> str:
    """Return a sentence that says what is not installed; empty where everything is."""
    voices = [_SOUNDS / name for name in VOICES.values()]
    if not all(any(folder.rglob("*.wav")) for folder in (*voices, _MUSIC)):
        return f"Real voices are not installed: apt-get install {_PACKAGES}."
    if not all(Path(_TEXTS.format(language)).exists() for language in VOICES):
        # dpkg may be told to leave /usr/share/doc out, as container images often do.
        return (
            "Real voices are installed without their texts: apt-get install --reinstall "
            f"-o Dpkg::Options::='--path-include=/usr/share/doc/*' {_PACKAGES}."
        )
    return ""


@cache
def read_prompts(language: str) -> tuple[Prompt, ...]:
    """Read the prompts of a language whose text is what is said, in the order of their names.

    Left out are those with remarks or signs in their text, with digits in a language other than
    English, under four words, over 28 s, or read at a rate that their text cannot have been.

    Raises
    ------
    CommandError
        Voices are not installed.
    """
    if sentence := missing():
        raise CommandError(sentence)
    return tuple(_usable(language))


def hold_music() -> list[NDArray[np.int16]]:
    """Read the pieces of hold music: 8 kHz, in the order of their names; may be none."""
    return [_read(path) for path in sorted(_MUSIC.glob("*.wav"))]


def _usable(language: str) -> Iterator[Prompt]:
    for name, text in sorted(_texts(language).items()):
        path = _SOUNDS / VOICES[language] / f"{name}.wav"
        if not _is_speech(text, language) or not path.exists():
            continue
        prompt = Prompt(name, language, text, _trimmed(_read(path)))
        if prompt.seconds <= _LONGEST_S and _is_read(prompt):
            yield prompt


def _texts(language: str) -> dict[str, str]:
    with gzip.open(_TEXTS.format(language), "rt", encoding="utf-8", errors="replace") as lines:
        found = (_LINE.fullmatch(line.strip()) for line in lines)
        return {one[1]: one[2] for one in found if one}


def _is_speech(text: str, language: str) -> bool:
    if _NOT_SAID.search(text) or (language != "en" and _DIGIT.search(text)):
        return False
    return len(text.split()) >= _FEWEST_WORDS


def _is_read(prompt: Prompt) -> bool:
    return _SLOWEST <= len(prompt.text) / max(prompt.seconds, 0.1) <= _FASTEST


def _trimmed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    voiced = np.flatnonzero(speech_frames(samples, SAMPLE_RATE))
    if not len(voiced):
        return samples[:0]
    frame = SAMPLE_RATE // 100
    return samples[voiced[0] * frame : (voiced[-1] + 1) * frame]


def _read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
