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

from live.frames import Call, read_call
from scripts.make_sample_calls import DEFAULT_SEED, PLANS, CallTooLong, build_call, write_call
from scripts.references import Reference, ReferenceUtterance, read_reference
from scripts.sample_dialogue import draw
from scripts.speech_synthesis import level, speak, speech_bounds
from tests.unit.live.conftest import CALLS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from scripts.make_sample_calls import Plan
    from scripts.speech_synthesis import Voice

NAMES = [plan.name for plan in PLANS]


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
    assert (CALLS / f"{name}.wav").stat().st_size < 1_000_000
    assert call.sample_rate == reference.sample_rate == 8000
    assert 30 <= call.seconds <= 60
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
        quiet = [dbfs(part(call, channel, start, end)) for start, end in gaps]
        assert max(quiet) < min(spoken) - 15
        for utterance in said:  # sound from the very first to the very last fifth of a second
            for edge in (utterance.start, utterance.end - 0.2):
                assert dbfs(part(call, channel, edge, edge + 0.2)) > max(quiet) + 3


@pytest.mark.parametrize("plan", PLANS, ids=NAMES)
def test_references_hold_what_the_seed_draws(plan: Plan) -> None:
    _, reference = sample(plan.name)
    drawn = draw(plan.script, random.Random(f"{plan.name} {DEFAULT_SEED}"))
    assert [(u.channel, u.text) for u in reference.utterances] == [
        (said.channel, said.text) for said in drawn
    ]


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


def tone(voice: Voice, text: str) -> NDArray[np.float64]:
    """Quiet, a tone of 0.1 s a word, quiet."""
    quiet = np.zeros(2000)
    spoken = 0.3 * np.sin(np.arange(800 * len(text.split())) * 0.5)
    return np.concatenate([quiet, spoken, quiet])


def test_the_same_seed_makes_the_same_call_and_another_seed_another() -> None:
    first, again, other = (build_call(PLANS[0], seed, tone) for seed in (3, 3, 4))
    assert np.array_equal(first[0], again[0])
    assert first[1] == again[1]
    assert first[1] != other[1]


def test_times_are_those_of_the_sound_and_not_of_the_clip() -> None:
    samples, reference = build_call(PLANS[2], 5, tone)
    for said in reference.utterances:
        assert said.end - said.start == pytest.approx(0.1 * len(said.text.split()), abs=0.011)
        at = round(said.start * 8000)
        assert np.abs(samples[at : at + 80, said.channel]).max() > 3000
        assert np.abs(samples[at - 400 : at - 8, said.channel]).max() < 100


def test_sentences_that_do_not_fit_are_refused() -> None:
    def long(voice: Voice, text: str) -> NDArray[np.float64]:
        return np.full(8000 * 6, 0.1)

    with pytest.raises(CallTooLong, match="take another seed"):
        build_call(PLANS[0], 1, long)


def test_a_reference_comes_back_from_its_file(tmp_path: Path) -> None:
    samples, reference = build_call(PLANS[1], 6, tone)
    write_call(samples, reference, tmp_path)
    assert read_reference(tmp_path / f"{reference.name}.json") == reference
    assert np.array_equal(read_call(tmp_path / f"{reference.name}.wav").samples, samples)


def test_bounds_leave_out_quiet_edges_and_level_is_common() -> None:
    clip = np.concatenate([np.zeros(810), np.full(1600, 0.01), np.full(790, 1e-6)])
    assert speech_bounds(clip) == (800, 2480)
    loud = level(clip)
    assert np.sqrt(np.mean(loud[810:2410] ** 2)) == pytest.approx(10 ** (-22 / 20), rel=0.1)
    peaky = level(np.concatenate([np.full(800, 0.001), [1.0], np.full(799, 0.001)]))
    assert np.abs(peaky).max() <= 0.95 + 1e-9


@pytest.mark.skipif(
    not (shutil.which("espeak-ng") and shutil.which("flite")),
    reason="needs the Debian packages espeak-ng and flite",
)
@pytest.mark.parametrize("plan", PLANS, ids=NAMES)
def test_the_synthesisers_speak_the_samples_again(plan: Plan) -> None:
    _, reference = sample(plan.name)
    for channel in (0, 1):
        said = next(u for u in reference.utterances if u.channel == channel)
        start, end = speech_bounds(speak(plan.voices[channel], said.text))
        assert (end - start) / 8000 == pytest.approx(said.end - said.start, abs=0.2)
