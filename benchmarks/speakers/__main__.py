# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make bench-speakers``: measure diarization errors on recordings of one to five people.

Each recording is evaluated twice: with the number of speakers estimated, and with it given.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.reporting import Countdown, columns, target
from benchmarks.speakers import mixes
from benchmarks.speakers.errors import Errors, errors
from benchmarks.speakers.mixes import Mix, MixRecipe
from benchmarks.speakers.voices import CHOSEN_ON, MEASURED_ON, Person, Signal
from scripts import command
from scripts.speaker_models.fetching import speaker_models
from whisper_endpoint.messages import SAMPLE_RATE
from whisper_endpoint.speakers.diarization import SpeakerModels
from whisper_endpoint.speakers.extraction import Read
from whisper_endpoint.speakers.turns import Diarization, SpeakerCount

COLLARS_S: Final = (0.0, 0.25)
_MOST_PEOPLE = 5
_RESULTS = Path("build/speakers.json")
_FIRST_SEED = 5000


@dataclass
class SetScore:
    """Scores for recordings of one kind."""

    name: str
    by_collar: dict[float, Errors] = field(
        default_factory=lambda: dict.fromkeys(COLLARS_S, Errors())
    )
    right: int = 0
    recordings: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0

    def add(self, mix: Mix, found: Diarization, cpu_s: float) -> None:
        """Add a recording."""
        seconds = len(mix.samples) / SAMPLE_RATE
        for collar in COLLARS_S:
            self.by_collar[collar] += errors(mix.turns, found.turns, seconds, collar)
        self.right += len({turn.speaker for turn in found.exclusive}) == mix.people
        self.recordings += 1
        self.seconds += seconds
        self.cpu_s += cpu_s

    @property
    def row(self) -> list[str]:
        """Table cells."""
        rates = [f"{100 * self.by_collar[collar].rate:.2f}" for collar in COLLARS_S]
        speed = f"{self.seconds / max(self.cpu_s, 1e-9):.1f}"
        return [self.name, *rates, f"{self.right} of {self.recordings}", speed]

    @property
    def document(self) -> dict[str, object]:
        """JSON-serializable form."""
        return {
            "set": self.name,
            "der": {f"{collar:g}": self.by_collar[collar].rate for collar in COLLARS_S},
            "right_counts": self.right,
            "recordings": self.recordings,
            "times_real_time": self.seconds / max(self.cpu_s, 1e-9),
        }


def recipes(half: Sequence[Person], count: int, seconds: float) -> Iterator[MixRecipe]:
    """Yield recipes with one to five people in turn; deterministic."""
    for number in range(count):
        seed = _FIRST_SEED + number
        draw = np.random.default_rng(seed)
        people = draw.choice(len(half), 1 + number % _MOST_PEOPLE, replace=False)
        yield MixRecipe(seed, tuple(half[one] for one in people), seconds)


def measure(half: Sequence[Person], count: int, seconds: float) -> list[SetScore]:
    """Measure composed recordings; return a score per number of people, and for all."""
    models = SpeakerModels(speaker_models())
    kinds = [f"{one} speaker{'s' * (one > 1)}" for one in range(1, _MOST_PEOPLE + 1)]
    scores = {name: SetScore(name) for name in (*kinds, "all", "all, number given")}
    left = Countdown(count)
    for recipe in recipes(half, count, seconds):
        mix = mixes.make(recipe)
        began = time.process_time()
        heard = models.hear(tape(mix.samples), len(mix.samples))
        found = models.decide(heard, SpeakerCount())
        cpu_s = time.process_time() - began
        scores[kinds[mix.people - 1]].add(mix, found, cpu_s)
        scores["all"].add(mix, found, cpu_s)
        given = models.decide(heard, SpeakerCount(mix.people, mix.people))
        scores["all, number given"].add(mix, given, cpu_s)
        left.done(f"{mix.people} people")
    return [score for score in scores.values() if score.recordings]


def tape(samples: Signal) -> Read:
    """Return a function that reads samples sequentially, once."""
    place = 0

    def read(count: int) -> Signal:
        nonlocal place
        place += count
        return samples[place - count : place]

    return read


def report(scores: Sequence[SetScore], peak_mb: float) -> None:
    """Print the table, and write it as JSON."""
    rows = [["set", "DER % at 0 s", "at 0.25 s", "right counts", "x real time"]]
    print("\n".join(columns([*rows, *(score.row for score in scores)])))
    unaided, given = scores[-2:]
    rate = unaided.by_collar[0.25].rate
    print(target("DER at 0.25 s", f"{100 * rate:.2f} %", "at most 3 %", rate <= 0.03))
    share = unaided.right / unaided.recordings
    print(target("right counts", f"{100 * share:.0f} %", "at least 90 %", share >= 0.9))
    rate = given.by_collar[0.25].rate
    print(target("with the number given", f"{100 * rate:.2f} %", "at most 1 %", rate <= 0.01))
    speed = unaided.seconds / unaided.cpu_s
    print(target("one core", f"{speed:.1f} x real time", "at least 10", speed >= 10))
    print(f"peak memory of this process: {peak_mb:.0f} MB")
    _RESULTS.parent.mkdir(exist_ok=True)
    document = {"sets": [score.document for score in scores], "peak_mb": peak_mb}
    _RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Measure and report; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speakers", description=__doc__)
    parser.add_argument("--recordings", type=int, default=40)
    parser.add_argument(
        "--seconds",
        type=float,
        default=60,
        help="length of each recording in seconds (default: 60)",
    )
    parser.add_argument(
        "--chosen-on",
        action="store_true",
        help="use the half of the voices that the thresholds were chosen on",
    )
    options = parser.parse_args()

    def run() -> None:
        half = CHOSEN_ON if options.chosen_on else MEASURED_ON
        scores = measure(half, options.recordings, options.seconds)
        report(scores, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    return command.run("bench", run, stopped="nothing is kept")


if __name__ == "__main__":
    sys.exit(main())
