# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import ctypes
import itertools
import random
import shutil

import numpy as np
import pytest

from demo_model.tts import espeak, flite
from demo_model.tts.errors import SynthesiserMissing, SynthesisFailed
from demo_model.tts.sentences import LANGUAGES
from demo_model.tts.synthesis import SAMPLE_RATE, Spoken, speak, speech_bounds
from demo_model.tts.voices import HELD_OUT, Voice, draw_voice

needs_synthesisers = pytest.mark.skipif(
    not (shutil.which("espeak-ng") and shutil.which("flite")),
    reason="needs the Debian packages espeak-ng and flite",
)

TEXT = "my account number is four two seven"
VOICES = [Voice("espeak-ng", "en-us+f2", 50), Voice("flite", "slt", 170)]


@needs_synthesisers
@pytest.mark.parametrize("voice", VOICES, ids=str)
def test_words_are_told_in_order_and_fill_the_sentence(voice):
    said = speak(voice, TEXT)
    words = said.words()
    assert [word for word, _, _ in words] == TEXT.split()
    assert words[0][1] < 0.1
    assert words[-1][2] == pytest.approx(said.duration)
    assert all(start < end for _, start, end in words)
    assert all(a[2] == b[1] for a, b in itertools.pairwise(words))


@needs_synthesisers
@pytest.mark.parametrize("voice", VOICES, ids=str)
def test_times_are_where_the_words_are(voice):
    """Cut at its start, the last word is as long as when spoken alone, within 0.1 s."""
    said = speak(voice, "please hold the line one moment tomorrow")
    alone = speak(voice, "tomorrow")
    assert said.duration - said.words()[-1][1] == pytest.approx(alone.duration, abs=0.1)


@needs_synthesisers
def test_faster_is_shorter_and_samples_are_trimmed():
    slow, fast = (speak(Voice("flite", "slt", 170, tempo), TEXT) for tempo in (0.8, 1.25))
    assert fast.duration < 0.8 * slow.duration
    for said in (slow, fast):
        assert speech_bounds(said.samples, SAMPLE_RATE)[0] == 0
        assert said.samples.dtype == np.float32


@needs_synthesisers
def test_espeak_variants_are_different_speakers():
    clips = [speak(Voice("espeak-ng", f"en+{v}", 50), TEXT).samples for v in ("m1", "f2", "m3")]
    assert len({clip.tobytes() for clip in clips}) == 3


@needs_synthesisers
def test_an_unknown_voice_is_refused():
    with pytest.raises(SynthesisFailed, match="no voice xx-none"):
        speak(Voice("espeak-ng", "xx-none", 50), TEXT)


def test_words_whose_phones_cannot_be_counted_have_no_times(monkeypatch):
    ends = [("pau", 0.1), ("t", 0.2), ("uw", 0.4), ("s", 0.5), ("pau", 0.6)]
    monkeypatch.setattr(flite, "_phone_count", lambda _voice, word: len(word))
    assert flite._starts("slt", ["tu", "s"], ends) == [0.1, 0.4]
    assert flite._starts("slt", ["tu", "sss"], ends) is None


def test_missing_synthesisers_are_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(SynthesiserMissing, match="apt-get install espeak-ng flite"):
        speak(Voice("flite", "no such voice", 100), TEXT)

    def no_library(_name):
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    with pytest.raises(SynthesiserMissing, match="apt-get install espeak-ng flite"):
        espeak._Espeak()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_training_voice_is_held_out(language):
    held_out = {voice.name.split("+")[-1] for voice in HELD_OUT[language]}
    chance = random.Random(7)
    drawn = {draw_voice(language, chance).name.split("+")[-1] for _ in range(2_000)}
    assert held_out.isdisjoint(drawn)
    assert len(drawn) > 20


def test_a_sentence_without_times_has_no_words():
    assert Spoken("a b", "pico:en-US", np.zeros(10, np.float32), None).words() == []
