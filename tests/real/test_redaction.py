# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Spoken numbers as real weights write them: what is left of them after redaction."""

import pytest

from demo_model.tts import line
from demo_model.tts.synthesis import SAMPLE_RATE, speak
from demo_model.tts.voices import Voice
from tests.real.side_by_side import SideBySide
from whisper_endpoint.ingress.redaction.numerals import runs
from whisper_stream.audio.samples import wav_bytes

# Digits that may be left of them all; whole numbers have 8 to 16 each.
MOST_LEFT = 6
VOICES = {
    "en": (Voice("flite", "slt", 180), Voice("espeak-ng", "en-us+f2", 50)),
    "es": (Voice("espeak-ng", "es-419+f3", 50), Voice("espeak-ng", "es+m3", 45)),
}
SAID = {
    "en": (
        "My card number is four one one one, one one one one, one one one one, one one one one.",
        "You can reach me at four one five, five five five, oh one three two.",
        "The account number is eight three double two, nine oh seven one.",
        "My social security number is two one nine, oh nine, nine nine nine nine.",
        "It is five five double six, seven seven eight eight, thank you very much.",
        "Sure, it's three seven eight two, eight two two four, six three one, oh oh oh five.",
        "My mobile is six one seven, two five three, twelve hundred.",
        "The digits are nine, eight, seven, one, two, four.",
    ),
    "es": (
        "Mi tarjeta es la cuatro uno uno uno, uno uno uno uno, uno uno uno uno, uno uno uno uno.",
        "Mi teléfono es el seis uno dos, treinta y cuatro, cincuenta y seis, setenta y ocho.",
        "El número de cuenta es ocho tres doble dos, nueve cero siete uno.",
        "Llámeme al nueve uno cinco, cinco cinco, cero uno, treinta y dos.",
        "Sí, es el cinco cinco seis seis, siete siete ocho ocho, muchas gracias.",
        "Las cifras son nueve, ocho, siete, uno, dos, cuatro.",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es"])
def test_no_spoken_number_is_left(base: SideBySide, language: str) -> None:
    heard, left = [], []
    for place, text in enumerate(SAID[language]):
        said = speak(VOICES[language][place % 2], text)
        wide = line.from_line(line.to_line(said.samples))
        audio = wav_bytes((wide * 32767).astype("int16"), SAMPLE_RATE)
        shown = base.text_of(audio, language=language, redaction=True)
        heard.append(audio)
        left.append(sum(len(one.digits) for one in runs(shown, language)))
    # Decoded without redaction only where somebody must see why.
    assert sum(left) <= MOST_LEFT, [
        (count, base.text_of(audio, language=language))
        for count, audio in zip(left, heard, strict=True)
    ]
