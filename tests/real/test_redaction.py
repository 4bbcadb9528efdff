# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Spoken numbers as real weights write them: what is left of them after redaction."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.real_calls import prompts
from demo_model.tts import line
from demo_model.tts.synthesis import SAMPLE_RATE, speak
from demo_model.tts.voices import Voice
from tests.real.side_by_side import SideBySide
from whisper_endpoint.ingress.redaction.numerals import runs
from whisper_stream.audio.samples import wav_bytes

# Digits that may be left of them all; whole numbers have 6 to 16 each.
MOST_LEFT = 6
VOICES = (Voice("flite", "slt", 180), Voice("espeak-ng", "en-us+f2", 50))
SAID = (
    "My card number is four one one one, one one one one, one one one one, one one one one.",
    "You can reach me at four one five, five five five, oh one three two.",
    "The account number is eight three double two, nine oh seven one.",
    "My social security number is two one nine, oh nine, nine nine nine nine.",
    "It is five five double six, seven seven eight eight, thank you very much.",
    "Sure, it's three seven eight two, eight two two four, six three one, oh oh oh five.",
    "My mobile is six one seven, two five three, twelve hundred.",
    "The digits are nine, eight, seven, one, two, four.",
)
# Names of recordings; groups have pauses between them. base hears no number in what espeak-ng says
# in Spanish, and repeats itself up to the end of its window.
RECORDED = (
    "4 9 1M 6, 3 3 7 2, 8 0 5 1M, 9 2 6 4",
    "vm-num-i-have 6 1M 2, 30 vm-and 4, 50 vm-and 6, 70 vm-and 8",
    "8 3 22, 9 0 7 1M",
    "9 1M 5, 50 vm-and 5, 0 1M, 30 vm-and 2",
    "5 5 6 6, 7 7 8 8",
    "9, 8, 7, 1M, 2, 4",
)
PAUSE = np.zeros(prompts.SAMPLE_RATE * 3 // 20, np.int16)


def english() -> Iterator[NDArray[np.float32]]:
    for place, text in enumerate(SAID):
        yield line.from_line(line.to_line(speak(VOICES[place % 2], text).samples))


def spanish() -> Iterator[NDArray[np.float32]]:
    for number in RECORDED:
        parts = []
        for group in number.split(","):
            names = (one if one.startswith("vm-") else f"digits/{one}" for one in group.split())
            parts += [*(prompts.recorded("es", one) for one in names), PAUSE]
        yield line.from_line(np.concatenate(parts).astype(np.float32) / np.float32(32768))


@pytest.mark.slow
@pytest.mark.parametrize(("language", "said"), [("en", english), ("es", spanish)], ids=["en", "es"])
def test_no_spoken_number_is_left(
    base: SideBySide, language: str, said: Callable[[], Iterator[NDArray[np.float32]]]
) -> None:
    heard, left = [], []
    for wide in said():
        audio = wav_bytes((wide * 32767).astype("int16"), SAMPLE_RATE)
        shown = base.text_of(audio, language=language, redaction=True)
        # Each is redacted by something: none passes for being unintelligible.
        assert "[" in shown, shown
        heard.append(audio)
        left.append(sum(len(one.digits) for one in runs(shown, language)))
    # Decoded without redaction only where somebody must see why.
    assert sum(left) <= MOST_LEFT, [
        (count, base.text_of(audio, language=language))
        for count, audio in zip(left, heard, strict=True)
    ]
