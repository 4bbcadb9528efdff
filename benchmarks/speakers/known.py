# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.speakers.known``: measure how often known speakers get their names.

Each recording of one to five people is compared with references of four of the five voices of its
half, as often as there are references of each, and for each choice of four. References are spoken
elsewhere: recordings do not have their sentences.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from benchmarks.reporting import Countdown, columns
from benchmarks.speakers import mixes
from benchmarks.speakers.__main__ import recipes, tape
from benchmarks.speakers.errors import speaking
from benchmarks.speakers.mixes import Mix
from benchmarks.speakers.voices import CHOSEN_ON, MEASURED_ON, Person, Signal, utterances
from demo_model.tts import line
from scripts import command
from scripts.speaker_models.fetching import speaker_models
from whisper_endpoint.messages import SAMPLE_RATE
from whisper_endpoint.speakers import known_voices
from whisper_endpoint.speakers.diarization import SpeakerModels
from whisper_endpoint.speakers.turns import Diarization, SpeakerCount

HELD_BACK: Final = 12
"""Sentences of each voice that only references have."""

_REFERENCES = 6
_SECONDS = (2.0, 10.0)
_LEVEL_DBFS, _LEVEL_SPREAD_DB, _NOISE_DBFS = -22.0, 3.0, -60.0
_THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


@dataclass
class NamedReferences:
    """References by what became of them.

    Attributes
    ----------
    present, unnamed, wrong : int
        Of people whom the recording has as a speaker of their own: all, those whose name nobody
        got, and those whose name somebody else got.
    absent, accepted : int
        Of people who say nothing in it: all, and those whose name somebody got.
    """

    present: int = 0
    unnamed: int = 0
    wrong: int = 0
    absent: int = 0
    accepted: int = 0

    def add(self, found: Mapping[str, str], names: Sequence[str], people: Sequence[str]) -> None:
        """Add a request: who got each given name, of all names, and the people who speak."""
        for name in names:
            if name in people:
                self.present += 1
                self.unnamed += name not in found
                self.wrong += found.get(name, name) != name
            else:
                self.absent += 1
                self.accepted += name in found

    @property
    def row(self) -> list[str]:
        """Table cells."""
        shares = (self.unnamed, self.present), (self.wrong, self.present)
        return [
            f"{part} of {whole}, {100 * part / max(1, whole):.1f} %"
            for part, whole in (*shares, (self.accepted, self.absent))
        ]


def reference(person: Person, seed: int) -> Signal:
    """Return 2 to 10 s of a person's sentences, half of them through a telephone line."""
    draw = np.random.default_rng(seed)
    length = round(draw.uniform(*_SECONDS) * line.LINE_RATE)
    said = utterances(person)[:HELD_BACK]
    order = draw.permutation(len(said)).tolist()
    samples = np.concatenate([said[one] for one in order])[:length]
    samples = line.at_level(samples, float(draw.normal(_LEVEL_DBFS, _LEVEL_SPREAD_DB)))
    noise = draw.normal(0, 10 ** (_NOISE_DBFS / 20), len(samples))
    samples = np.clip(samples + noise, -1, 1).astype(np.float32)
    return line.from_line(line.companded(samples, "mu") if draw.random() < 0.5 else samples)


def who_is_who(mix: Mix, people: Sequence[str], found: Diarization) -> dict[int, str]:
    """Return the person whom each found speaker mostly is."""
    frames = round(len(mix.samples) / SAMPLE_RATE * 100)
    common = speaking(mix.turns, frames).T.astype(int) @ speaking(found.exclusive, frames)
    numbers = sorted({turn.speaker for turn in found.exclusive})
    return {one: people[int(common[:, place].argmax())] for place, one in enumerate(numbers)}


def measure(half: Sequence[Person], count: int) -> dict[float, NamedReferences]:
    """Return the counts at each threshold."""
    models = SpeakerModels(speaker_models())
    names = [person.name for person in half]
    voices = [
        models.voice(reference(person, 100 * place + number))
        for place, person in enumerate(half)
        for number in range(_REFERENCES)
    ]
    counts = {threshold: NamedReferences() for threshold in _THRESHOLDS}
    left = Countdown(count)
    for recipe in recipes(half, count, 60):
        mix = mixes.make(replace(recipe, held_back=HELD_BACK))
        heard = models.hear(tape(mix.samples), len(mix.samples))
        found = models.decide(heard, SpeakerCount(), voices)
        people = who_is_who(mix, [person.name for person in recipe.people], found)
        for places in _requests(len(half)):
            asked = [names[place // _REFERENCES] for place in places]
            alike = {who: [found.alike[who][place] for place in places] for who in people}
            for threshold, one in counts.items():
                named = known_voices.named(alike, asked, threshold)
                given = {name: people[who] for who, name in named.items()}
                one.add(given, asked, list(people.values()))
        left.done(f"{len(recipe.people)} people")
    return counts


def _requests(people: int) -> Iterator[list[int]]:
    """Yield the places of each request's references: one each of all people but one."""
    for number in range(_REFERENCES):
        for absent in range(people):
            yield [one * _REFERENCES + number for one in range(people) if one != absent]


def main() -> int:
    """Measure and report; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speakers.known")
    parser.add_argument("--recordings", type=int, default=20)
    parser.add_argument("--chosen-on", action="store_true")
    options = parser.parse_args()

    def run() -> None:
        counts = measure(CHOSEN_ON if options.chosen_on else MEASURED_ON, options.recordings)
        rows = [["similarity", "present, unnamed", "present, another's", "absent, accepted"]]
        rows += [[f"{threshold:g}", *one.row] for threshold, one in counts.items()]
        print("\n".join(columns(rows)))

    return command.run("bench", run, stopped="nothing is kept")


if __name__ == "__main__":
    sys.exit(main())
