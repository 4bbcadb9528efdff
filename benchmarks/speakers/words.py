# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.speakers.words``: measure whose words Whisper transcribes in overlaps.

Two English voices talk, and most turns begin before the previous one ends. A word in the mix
belongs to the speaker in whose separate recording Whisper transcribes the same word at that time.
If it does so in neither recording or in both, the word is not attributed.
"""

import argparse
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from faster_whisper import WhisperModel

from benchmarks.reporting import Countdown, target
from benchmarks.speakers import mixes
from benchmarks.speakers.__main__ import tape
from benchmarks.speakers.mixes import MixRecipe
from benchmarks.speakers.voices import CHOSEN_ON, MEASURED_ON, Person, Signal
from scripts import command
from scripts.speaker_models.fetching import speaker_models
from scripts.weights import NAMES, weights
from whisper_contract.transcript import Word, readable
from whisper_endpoint.speakers.diarization import SpeakerModels
from whisper_endpoint.speakers.turns import SpeakerCount, Turn
from whisper_endpoint.speakers.word_speakers import WordSpeakers

_ENGLISH: Final = ("en_", "flite:", "espeak-ng:en")
_CUTS_IN: Final = 0.8
_FIRST_SEED: Final = 300
# Maximum distance between the midpoints of matching words, in seconds.
_NEAR_S: Final = 0.5
# Minimum share of overlap for a word to count as overlapped.
_MOSTLY: Final = 0.5
_RESULTS: Final = Path("build/speaker-words.json")


@dataclass
class WordScore:
    """Words with and without overlap, and how many are assigned correctly."""

    alone: int = 0
    alone_right: int = 0
    overlap: int = 0
    overlap_right: int = 0
    unknown: int = 0
    unknown_in_overlap: int = 0

    def add(
        self, owners: Sequence[int | None], overlaps: Sequence[bool], found: Sequence[int]
    ) -> None:
        """Add a recording's words: true speaker or None, and assigned speaker.

        An assigned speaker is mapped to the person who says most of their words.
        """
        pairs = list(zip(found, owners, strict=True))
        counts = Counter(pairs)
        people = {who: int(counts[who, 1] > counts[who, 0]) for who in {*found}}
        for (who, owner), is_overlap in zip(pairs, overlaps, strict=True):
            is_right = people[who] == owner
            if owner is None:
                self.unknown += 1
                self.unknown_in_overlap += is_overlap
            elif is_overlap:
                self.overlap += 1
                self.overlap_right += is_right
            else:
                self.alone += 1
                self.alone_right += is_right


def recipes(half: Sequence[Person], count: int, seconds: float) -> Iterator[MixRecipe]:
    """Yield recipes for all pairs of English speakers in turn."""
    english = [one for one in half if one.source.startswith(_ENGLISH)]
    pairs = itertools.cycle(itertools.combinations(english, 2))
    for seed, pair in zip(range(_FIRST_SEED, _FIRST_SEED + count), pairs, strict=False):
        yield MixRecipe(seed, pair, seconds, _CUTS_IN)


def owner(word: Word, voices: Sequence[Sequence[Word]]) -> int | None:
    """Return the only voice with the same word at that time; None unless unique."""
    middle = (word.start + word.end) / 2
    those = {
        who
        for who, words in enumerate(voices)
        for one in words
        if _plain(one) == _plain(word) and abs((one.start + one.end) / 2 - middle) < _NEAR_S
    }
    return those.pop() if len(those) == 1 else None


def is_overlap(word: Word, turns: Sequence[Turn]) -> bool:
    """Return whether two different speakers' turns overlap for most of a word."""
    both = sum(
        max(0.0, min(one.end, other.end, word.end) - max(one.start, other.start, word.start))
        for one, other in itertools.combinations(turns, 2)
        if one.speaker != other.speaker
    )
    return both > _MOSTLY * (word.end - word.start)


def measure(model: str, half: Sequence[Person], count: int, seconds: float) -> WordScore:
    """Measure composed recordings."""
    whisper = WhisperModel(str(weights(model)), device="cpu", compute_type="int8", cpu_threads=1)
    models = SpeakerModels(speaker_models())
    score, left = WordScore(), Countdown(count)
    for recipe in recipes(half, count, seconds):
        mix = mixes.make(recipe)
        words, *voices = (_words(whisper, one) for one in (mix.samples, *mix.voices))
        found = models.diarize(tape(mix.samples), len(mix.samples), SpeakerCount())
        score.add(
            [owner(word, voices) for word in words],
            [is_overlap(word, mix.turns) for word in words],
            WordSpeakers(found).of_words(words),
        )
        left.done(" and ".join(one.name for one in recipe.people))
    return score


def report(score: WordScore) -> None:
    """Print the result, and write it as JSON."""
    for name, right, words, least in (
        ("alone", score.alone_right, score.alone, 0.97),
        ("in overlap", score.overlap_right, score.overlap, 0.94),
    ):
        share = right / max(words, 1)
        found = f"{right} of {words} words, {100 * share:.1f} %"
        print(target(name, found, f"at least {100 * least:.0f} %", share >= least))
    print(f"nobody can say whose: {score.unknown}, {score.unknown_in_overlap} in overlap")
    _RESULTS.parent.mkdir(exist_ok=True)
    _RESULTS.write_text(json.dumps(asdict(score), indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Measure and report; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speakers.words", description=__doc__
    )
    parser.add_argument("--model", choices=NAMES, default="base")
    parser.add_argument("--recordings", type=int, default=14)
    parser.add_argument(
        "--seconds",
        type=float,
        default=45,
        help="length of each recording in seconds (default: 45)",
    )
    parser.add_argument(
        "--chosen-on",
        action="store_true",
        help="use the half of the voices that the thresholds were chosen on",
    )
    options = parser.parse_args()

    def run() -> None:
        half = CHOSEN_ON if options.chosen_on else MEASURED_ON
        report(measure(options.model, half, options.recordings, options.seconds))

    return command.run("bench", run, stopped="nothing is kept")


def _words(whisper: WhisperModel, samples: Signal) -> list[Word]:
    """Return Whisper's words that contain letters or digits."""
    segments, _ = whisper.transcribe(
        samples, language="en", word_timestamps=True, beam_size=1, condition_on_previous_text=False
    )
    found = [
        Word(float(one.start), float(one.end), one.word, one.probability)
        for segment in segments
        for one in segment.words or ()
    ]
    return [word for word in readable(found) if _plain(word)]


def _plain(word: Word) -> str:
    return re.sub(r"\W", "", word.word.lower())


if __name__ == "__main__":
    sys.exit(main())
