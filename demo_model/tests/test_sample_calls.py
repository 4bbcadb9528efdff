# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import math
import random
import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.references import Reference, ReferenceUtterance, read_reference
from demo_model.sample_calls.dialogue import draw
from demo_model.sample_calls.make import DEFAULT_SEED, PLANS, CallTooLong, build_call, write_call
from demo_model.tts.sentences import is_reserved
from demo_model.tts.synthesis import Spoken, speak
from demo_model.tts.voices import HELD_OUT
from live_whisper.audio.call_file import Call, read_call
from tests.unit.live.conftest import CALLS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from demo_model.sample_calls.make import CallPlan
    from demo_model.tts.voices import Voice

NAMES = [plan.name for plan in PLANS]
HOLD_S = 8.0


def sample(name: str) -> tuple[Call, Reference]:
    return read_call(CALLS / f"{name}.wav"), read_reference(CALLS / f"{name}.json")


def dbfs(samples: NDArray[np.int16]) -> float:
    power = float(np.mean((samples / 32768.0) ** 2))
    return 10 * math.log10(max(power, 1e-12))


def part(call: Call, channel: int, start: float, end: float) -> NDArray[np.int16]:
    return call.samples[round(start * call.sample_rate) : round(end * call.sample_rate), channel]


def overlaps(reference: Reference) -> list[tuple[ReferenceUtterance, ReferenceUtterance]]:
    return [
        (earlier, later)
        for earlier, later in pairwise(reference.utterances)
        if later.start < earlier.end and later.channel != earlier.channel
    ]


def test_every_plan_has_its_call_and_no_call_is_without_a_plan() -> None:
    assert sorted(path.stem for path in CALLS.glob("*.wav")) == sorted(NAMES)
    assert sorted(path.stem for path in CALLS.glob("*.json")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_calls_are_of_the_promised_form(name: str) -> None:
    call, reference = sample(name)
    assert call.sample_rate == reference.sample_rate == 8000
    assert 30 <= call.seconds <= 90
    assert reference.name == name
    assert [(c.channel, c.role) for c in reference.channels] == [(0, "agent"), (1, "caller")]
    assert reference.channels[0].voice != reference.channels[1].voice
    assert {said.channel for said in reference.utterances} == {0, 1}
    assert np.abs(call.samples.astype(int)).max() < 32767


@pytest.mark.parametrize("name", NAMES)
def test_references_say_when_there_is_sound_and_when_not(name: str) -> None:
    call, reference = sample(name)
    for channel in (0, 1):
        said = [u for u in reference.utterances if u.channel == channel]
        spoken = [dbfs(part(call, channel, u.start, u.end)) for u in said]
        gaps = [(0.0, said[0].start), *((a.end, b.start) for a, b in pairwise(said))]
        gaps.append((said[-1].end, call.seconds))
        assert min(end - start for start, end in gaps) >= 1.0
        # Long gaps may have music.
        gaps = [(start, end) for start, end in gaps if end - start < HOLD_S]
        quiet = [dbfs(part(call, channel, start, end)) for start, end in gaps]
        assert max(quiet) < min(spoken) - 15
        for utterance in said:  # sound from the very first to the very last fifth of a second
            for edge in (utterance.start, utterance.end - 0.2):
                assert dbfs(part(call, channel, edge, edge + 0.2)) > max(quiet) + 3


@pytest.mark.parametrize("plan", PLANS, ids=NAMES)
def test_references_hold_what_the_seed_draws(plan: CallPlan) -> None:
    _, reference = sample(plan.name)
    drawn = draw(plan.script, plan.language, random.Random(f"{plan.name} {DEFAULT_SEED}"))
    assert [(u.channel, u.text) for u in reference.utterances] == [
        (said.channel, said.text) for said in drawn
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_was_trained_on(name: str) -> None:
    assert all(is_reserved(said.text) for said in sample(name)[1].utterances)


@pytest.mark.parametrize("name", NAMES)
def test_every_word_has_its_time_within_its_sentence(name: str) -> None:
    for said in sample(name)[1].utterances:
        assert " ".join(word.text for word in said.words) == said.text
        assert said.words[0].start == pytest.approx(said.start, abs=0.1)
        assert said.words[-1].end == pytest.approx(said.end, abs=0.002)
        assert all(a.end == b.start for a, b in pairwise(said.words))
        assert all(word.start < word.end for word in said.words)


def test_calls_differ_in_what_makes_calls_hard() -> None:
    by_name = {name: sample(name) for name in NAMES}
    assert {reference.language for _, reference in by_name.values()} == {"en", "es"}
    assert str(by_name["caller-of-unknown-voice"][1].channels[1].voice) in {
        str(voice) for voices in HELD_OUT.values() for voice in voices
    }
    call, reference = by_name["caller-on-hold"]
    agent = [said for said in reference.utterances if said.channel == 0]
    holds = [(a.end + 2, b.start - 2) for a, b in pairwise(agent) if b.start - a.end > HOLD_S]
    held = [dbfs(part(call, 0, start, end)) for start, end in holds]
    assert len(held) == 2
    assert min(held) > -35


def test_people_talk_over_one_another_where_they_should() -> None:
    assert len(overlaps(sample("agent-and-caller-overlap")[1])) == 2


def test_one_caller_stands_in_noise() -> None:
    levels = {name: dbfs(part(sample(name)[0], 1, 0, 1)) for name in NAMES}
    noisy = levels.pop("caller-in-background-noise")
    assert all(noisy > quiet + 15 for quiet in levels.values())
    assert noisy < -40


def test_one_caller_is_silent_for_long() -> None:
    call, reference = sample("caller-mostly-silent")
    last = [u for u in reference.utterances if u.channel == 1][-1]
    assert call.seconds - last.end > 15
    assert len([u for u in reference.utterances if u.channel == 0]) >= 5


# --- how they are made, with a tone in place of a voice


def tone(voice: Voice, text: str) -> Spoken:
    """A tone of 0.1 s a word."""
    words = len(text.split())
    samples = 0.3 * np.sin(np.arange(1600 * words) * 0.25)
    starts = tuple(0.1 * index for index in range(words))
    return Spoken(text, str(voice), samples.astype(np.float32), starts)


def test_the_same_seed_makes_the_same_call_and_another_seed_another() -> None:
    first, again, other = (build_call(PLANS[0], seed, tone) for seed in (3, 3, 4))
    assert np.array_equal(first[0], again[0])
    assert first[1] == again[1]
    assert first[1] != other[1]


def test_times_are_those_of_the_sound() -> None:
    samples, reference = build_call(PLANS[2], 5, tone)
    for said in reference.utterances:
        assert said.end - said.start == pytest.approx(0.1 * len(said.text.split()), abs=0.011)
        at = round(said.start * 8000)
        assert np.abs(samples[at : at + 80, said.channel]).max() > 1500
        assert np.abs(samples[at - 400 : at - 8, said.channel]).max() < 100
        assert [word.start for word in said.words] == pytest.approx(
            [said.start + 0.1 * index for index in range(len(said.words))], abs=0.002
        )


def test_sentences_that_do_not_fit_are_refused() -> None:
    def long(voice: Voice, text: str) -> Spoken:
        return Spoken(text, str(voice), np.full(16_000 * 6, 0.1, np.float32), None)

    with pytest.raises(CallTooLong, match="take another seed"):
        build_call(PLANS[0], 1, long)


def test_a_reference_comes_back_from_its_file(tmp_path: Path) -> None:
    samples, reference = build_call(PLANS[1], 6, tone)
    write_call(samples, reference, tmp_path)
    assert read_reference(tmp_path / f"{reference.name}.json") == reference
    assert np.array_equal(read_call(tmp_path / f"{reference.name}.wav").samples, samples)


@pytest.mark.skipif(
    not (shutil.which("espeak-ng") and shutil.which("flite")),
    reason="needs the Debian packages espeak-ng and flite",
)
@pytest.mark.parametrize("plan", PLANS, ids=NAMES)
def test_the_synthesisers_speak_the_samples_again(plan: CallPlan) -> None:
    _, reference = sample(plan.name)
    for channel in (0, 1):
        said = next(u for u in reference.utterances if u.channel == channel)
        spoken = speak(plan.voices[channel], said.text)
        assert spoken.duration == pytest.approx(said.end - said.start, abs=0.2)
        begins = [said.start + start for _, start, _ in spoken.words()]
        assert begins == pytest.approx([word.start for word in said.words], abs=0.1)
