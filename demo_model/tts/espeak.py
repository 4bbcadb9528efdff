# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""espeak-ng through its C library, which reports word starts.

The library also supports the variants (`+f2`) that version 1.51's command ignores for some voices.
Names and numbers are those of its header, speak_lib.h.
"""

import ctypes
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo_model.tts.errors import SynthesiserMissing, SynthesisFailed
from demo_model.tts.voices import Voice

_LIBRARY = "libespeak-ng.so.1"
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_LIST_TERMINATED, _WORD = 0, 1  # espeak_EVENT_TYPE
_WORDS_PER_MINUTE = 165  # the default is 175; call-centre agents should speak at 150 to 160


class _Identity(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    )


_SynthCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Espeak:
    """The library, which has global state."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY)
        except OSError as missing:
            raise SynthesiserMissing(
                "espeak-ng is not installed; run `apt-get install espeak-ng flite`."
            ) from missing
        self.sample_rate: int = self._library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, None, 0
        )
        self._blocks: list[NDArray[np.int16]] = []
        self._words: list[tuple[int, int]] = []
        self._callback = _SynthCallback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: Any, count: int, events: Any) -> int:
        if samples and count:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).astype(np.int16))
        index = 0
        while events[index].type != _LIST_TERMINATED:
            if events[index].type == _WORD:
                self._words.append((events[index].text_position, events[index].sample))
            index += 1
        return 0

    def speak(self, voice: Voice, text: str) -> tuple[NDArray[np.int16], list[tuple[int, int]]]:
        self._blocks.clear()
        self._words.clear()
        library = self._library
        if library.espeak_SetVoiceByName(voice.name.encode()):
            raise SynthesisFailed(f"espeak-ng has no voice {voice.name}.")
        library.espeak_SetParameter(_RATE, round(_WORDS_PER_MINUTE * voice.tempo), 0)
        library.espeak_SetParameter(_PITCH, round(voice.pitch), 0)
        utf8 = text.encode() + b"\0"
        library.espeak_Synth(utf8, len(utf8), 0, 1, 0, _CHARS_UTF8, None, None)
        library.espeak_Synchronize()
        if not self._blocks:
            raise SynthesisFailed(f"espeak-ng made no sound of {text!r}.")
        return np.concatenate(self._blocks), list(self._words)


@functools.cache
def _espeak() -> _Espeak:
    return _Espeak()


def speak(voice: Voice, text: str) -> tuple[NDArray[np.int16], int, list[float] | None]:
    """Return int16 samples, their rate in Hz, and the start of each word in seconds.

    The starts are None if the library joined words.
    """
    engine = _espeak()
    samples, events = engine.speak(voice, text)
    positions, offset = [], 0
    for word in text.split():
        positions.append(text.index(word, offset) + 1)  # the library counts characters from 1
        offset = positions[-1] - 1 + len(word)
    starts = dict(events)
    if any(position not in starts for position in positions):
        return samples, engine.sample_rate, None
    rate = engine.sample_rate
    return samples, rate, [starts[position] / rate for position in positions]
