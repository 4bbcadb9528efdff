# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Real voices: telephone prompts from Debian's `asterisk-core-sounds-*-wav`, with their texts.

Five speakers, one per language, recorded at 8 kHz, licensed CC-BY-SA. They are read from where
Debian installs them, and are not part of this repository. Hold music comes from
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
"""Folder of the speaker, by language."""

_SOUNDS = Path("/usr/share/asterisk/sounds")
_MUSIC = Path("/usr/share/asterisk/moh")
_TEXTS = "/usr/share/doc/asterisk-core-sounds-{0}/core-sounds-{0}.txt.gz"
# In bash syntax. The packages without -wav have the texts.
_PACKAGES = "asterisk-core-sounds-{en,es,fr,it,ru}{,-wav} asterisk-moh-opsound-wav"
_LINE = re.compile(r"([\w/+-]+): (.+)")

# Bracketed text is about the recording, or not in it; signs are read in words of the speaker's
# choice; a replacement character is a lost letter.
_NOT_SAID = re.compile(r"[\[\](){}<>*#\ufffd]")
# Whisper's normaliser only handles English numbers: elsewhere "1" and "uno" would differ.
_DIGIT = re.compile(r"\d")
_FEWEST_WORDS = 4
_LONGEST_S = 28.0
# Speakers read 9 to 22 letters a second; beyond these limits, text and recording do not match.
_SLOWEST, _FASTEST = 7.0, 24.0


@dataclass(frozen=True)
class Prompt:
    """A recorded prompt.

    Attributes
    ----------
    name : str
        Path of its file in the speaker's folder, without suffix.
    language : str
        Whisper's code.
    text : str
        The script given to the speaker.
    samples : ndarray, shape (n,), int16, 8 kHz
        From the first to the last speech frame, by level.
    """

    name: str
    language: str
    text: str
    samples: NDArray[np.int16]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE


def missing() -> str:
    """Return a sentence on what is not installed; empty if everything is."""
    voices = [_SOUNDS / name for name in VOICES.values()]
    if not all(any(folder.rglob("*.wav")) for folder in (*voices, _MUSIC)):
        return f"Real voices are not installed: apt-get install {_PACKAGES}."
    if not all(Path(_TEXTS.format(language)).exists() for language in VOICES):
        # dpkg may be configured to skip /usr/share/doc, as in many container images.
        return (
            "Real voices are installed without their texts: apt-get install --reinstall "
            f"-o Dpkg::Options::='--path-include=/usr/share/doc/*' {_PACKAGES}."
        )
    return ""


@cache
def read_prompts(language: str) -> tuple[Prompt, ...]:
    """Read the usable prompts of a language, sorted by name.

    Excluded are prompts with remarks or signs in their text, digits in languages other than
    English, fewer than four words, over 28 s, or an implausible speaking rate.

    Raises
    ------
    CommandError
        The voices are not installed.
    """
    if sentence := missing():
        raise CommandError(sentence)
    return tuple(_usable(language))


def recorded(language: str, name: str) -> NDArray[np.int16]:
    """Read what is said in a speaker's file, named as in `Prompt`, whatever its text."""
    return _trimmed(_read(_SOUNDS / VOICES[language] / f"{name}.wav"))


def hold_music() -> list[NDArray[np.int16]]:
    """Read the hold music at 8 kHz, sorted by name; may be empty."""
    return [_read(path) for path in sorted(_MUSIC.glob("*.wav"))]


def _usable(language: str) -> Iterator[Prompt]:
    for name, text in sorted(_texts(language).items()):
        path = _SOUNDS / VOICES[language] / f"{name}.wav"
        if not _is_speech(text, language) or not path.exists():
            continue
        prompt = Prompt(name, language, text, recorded(language, name))
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
