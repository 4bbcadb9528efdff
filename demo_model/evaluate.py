# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make eval-model SEED=n``: measure the demonstration model on new synthetic sentences.

Transcribes with faster-whisper, and measures word times with the endpoint too.

Needs the Debian packages espeak-ng and flite, and ttspico. Exits with 1 if a figure is worse than
promised.
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment
from numpy.typing import NDArray

from benchmarks.accuracy import WordErrors, total, word_errors
from benchmarks.references import DEMO_MODEL
from demo_model.tts import line
from demo_model.tts.sentences import LANGUAGES, Language, draw_reserved
from demo_model.tts.sounds import SOUNDS
from demo_model.tts.synthesis import SAMPLE_RATE, Spoken, speak
from demo_model.tts.voices import HELD_OUT, draw_voice
from scripts import command
from scripts.publish.errors import CommandError
from scripts.publish.progress import step
from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters
from whisper_endpoint.settings import EndpointSettings

Signal = NDArray[np.float32]


SENTENCES = 500

_HELD_OUT_SHARE = 0.2
_SOUND_SHARE = 0.6
_BEAM = 5
_LONG_ENOUGH_S = 2.0
_LEVEL_DBFS = -22.0
_FLOOR_DBFS = -80.0


@dataclass(frozen=True)
class Limit:
    """A metric's name and its bound."""

    name: str
    bound: float
    is_upper: bool = True

    def holds(self, value: float) -> bool:
        """Return whether `value` keeps the bound."""
        return value <= self.bound if self.is_upper else value >= self.bound


LIMITS: Final = {
    "clean": Limit("word error rate, clean 16 kHz", 0.04),
    "telephone": Limit("word error rate, 8 kHz µ-law", 0.07),
    "held_out": Limit("word error rate, voices never trained on", 0.20),
    "language": Limit("language right, sentences over 2 s", 0.98, is_upper=False),
    "silent": Limit("clips without speech that give no words", 0.99, is_upper=False),
    "start_median": Limit("word starts, median error in s", 0.1),
    "start_p90": Limit("word starts, 90th percentile in s", 0.2),
}


@dataclass
class Scores:
    """Results: errors by kind and language; times in seconds.

    `languages`: per sentence over two seconds, whether its language was detected. `quiet` (by kind
    of sound) and `missed` (with speech): per clip, whether it gave no words. In `library_starts`,
    by faster-whisper, a clip's first word begins with the clip.
    """

    errors: dict[tuple[str, str], list[WordErrors]] = field(default_factory=dict)
    languages: list[bool] = field(default_factory=list)
    quiet: dict[str, list[bool]] = field(default_factory=dict)
    missed: list[bool] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    library_starts: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return the metrics with limits, by their keys in `LIMITS`."""
        return {
            "clean": self._rate("clean"),
            "telephone": self._rate("telephone"),
            "held_out": self._rate("held_out"),
            "language": _share(self.languages),
            "silent": self.recall(),
            "start_median": float(np.median(self.starts)),
            "start_p90": float(np.percentile(self.starts, 90)),
        }

    def precision(self) -> float:
        """Return the share without speech among clips that gave no words."""
        quiet = sum(map(sum, self.quiet.values()))
        called = quiet + sum(self.missed)
        return quiet / called if called else 1.0

    def recall(self) -> float:
        """Return the share that gave no words among clips without speech."""
        return _share([quiet for clips in self.quiet.values() for quiet in clips])

    def lines(self) -> Iterator[str]:
        """Yield the lines of the report."""
        for (kind, language), counts in sorted(self.errors.items()):
            count = total(counts)
            yield f"{kind:<10} {language}  {count.rate:6.1%}  ({count.errors} of {count.words})"
        for kind, clips in sorted(self.quiet.items()):
            yield f"no words on {kind:<8} {sum(clips)} of {len(clips)}"
        yield f"no-speech precision {self.precision():.1%}, recall {self.recall():.1%}"
        median, late = np.percentile(self.library_starts, [50, 90])
        yield f"word starts by faster-whisper: median {median:.3f} s, 90th percentile {late:.3f} s"
        figures = self.figures()
        for key, limit in LIMITS.items():
            bound = f"{'at most' if limit.is_upper else 'at least'} {limit.bound:g}"
            verdict = "ok" if limit.holds(figures[key]) else "MISSED"
            yield f"{limit.name:<42} {figures[key]:.4f}  ({bound}) {verdict}"

    def hold(self) -> bool:
        """Return whether every metric keeps its bound."""
        figures = self.figures()
        return all(limit.holds(figures[key]) for key, limit in LIMITS.items())

    def _rate(self, kind: str) -> float:
        return total(
            [c for (k, _), counts in self.errors.items() if k == kind for c in counts]
        ).rate


def _share(yes: list[bool]) -> float:
    return sum(yes) / len(yes)


class EndpointWords:
    """Word times from the endpoint's preparation and engine, without a server."""

    def __init__(self, folder: Path) -> None:
        self._engine = WhisperEngine.load(folder, "cpu", EndpointSettings())
        self._features = Features(self._engine.facts.n_mels)

    def of(self, samples: Signal, language: str) -> list[tuple[str, float]]:
        """Return (word, start in seconds) for samples at 16 kHz in [-1, 1]."""
        how = Parameters(language=language, word_timestamps=True)
        recording = record(Audio(samples), self._features, how).whole()
        results = self._engine.transcribe(Job(recording.windows, how, math.inf))
        return [
            (word.word.strip(), word.start)
            for result in results
            for segment in result.segments
            for word in segment.words or ()
        ]


class Evaluation:
    """One run, determined by `seed` alone. Raises CommandError if there is no model.

    `sentences` alternate between both languages; other clips are in proportion.
    """

    def __init__(
        self, folder: Path, seed: int, sentences: int, tell: Callable[[str], None]
    ) -> None:
        if not (folder / "model.bin").exists():
            raise CommandError(f"There is no model in {folder}; give --model.")
        self._model = WhisperModel(str(folder), device="cpu", compute_type="int8")
        self._endpoint = EndpointWords(folder)
        self._sentences = sentences
        self._tell = tell
        self._words = random.Random(f"evaluation {seed}")  # noqa: S311 - a draw of words
        self._noise = np.random.default_rng(seed)
        self.scores = Scores()

    def run(self) -> Scores:
        """Draw, synthesise, transcribe, count."""
        for index in range(self._sentences):
            self._tell(f"sentence {index + 1} of {self._sentences}")
            self._known_voice(LANGUAGES[index % len(LANGUAGES)])
        for index in range(round(self._sentences * _HELD_OUT_SHARE)):
            self._tell(f"voice never trained on, sentence {index + 1}")
            self._unknown_voice(LANGUAGES[index % len(LANGUAGES)])
        kinds = sorted(SOUNDS)
        for index in range(round(self._sentences * _SOUND_SHARE)):
            self._tell(f"clip without speech {index + 1}")
            self._sound(kinds[index % len(kinds)])
        return self.scores

    def _known_voice(self, language: Language) -> None:
        text = draw_reserved(language, self._words)
        said = speak(draw_voice(language, self._words), text)
        audio, lead = self._placed(said)
        segments = self._transcribe(audio, language, word_timestamps=True)
        self._count("clean", language, said.text, segments)
        found = [(word.word.strip(), word.start) for s in segments for word in s.words or ()]
        self.scores.library_starts += _start_errors(said, lead, found)
        self.scores.starts += _start_errors(said, lead, self._endpoint.of(audio, language))
        self._count("telephone", language, text, self._transcribe(_telephone(audio), language))
        if said.duration > _LONG_ENOUGH_S:
            heard, _, _ = self._model.detect_language(audio)
            self.scores.languages.append(heard == language)

    def _unknown_voice(self, language: Language) -> None:
        text = draw_reserved(language, self._words)
        audio, _ = self._placed(speak(self._words.choice(HELD_OUT[language]), text))
        self._count("held_out", language, text, self._transcribe(audio, language))

    def _sound(self, kind: str) -> None:
        length = round(self._noise.uniform(0.5, 12) * SAMPLE_RATE)
        audio = SOUNDS[kind](length, SAMPLE_RATE, self._noise)
        language = self._words.choice(LANGUAGES)
        heard = _text(self._transcribe(audio, language))
        self.scores.quiet.setdefault(kind, []).append(not heard)

    def _placed(self, said: Spoken) -> tuple[Signal, float]:
        """Return a sentence at telephone level with quiet around it, and its start in s."""
        lead = round(float(self._noise.uniform(0.2, 1.0)) * SAMPLE_RATE)
        audio = np.pad(line.at_level(said.samples, _LEVEL_DBFS), (lead, SAMPLE_RATE // 2))
        floor = self._noise.standard_normal(len(audio)) * 10 ** (_FLOOR_DBFS / 20)
        return (audio + floor).astype(np.float32), lead / SAMPLE_RATE

    def _transcribe(
        self, audio: Signal, language: str, *, word_timestamps: bool = False
    ) -> list[Segment]:
        segments, _ = self._model.transcribe(
            audio, language=language, beam_size=_BEAM, word_timestamps=word_timestamps
        )
        return list(segments)

    def _count(self, kind: str, language: str, text: str, segments: list[Segment]) -> None:
        heard = _text(segments)
        counts = self.scores.errors.setdefault((kind, language), [])
        counts.append(word_errors(text, heard, language))
        self.scores.missed.append(not heard)


def _telephone(audio: Signal) -> Signal:
    return line.from_line(line.companded(line.to_line(audio), "mu"))


def _text(segments: list[Segment]) -> str:
    return " ".join(segment.text.strip() for segment in segments).strip()


def _start_errors(said: Spoken, lead: float, found: list[tuple[str, float]]) -> list[float]:
    """Return the start errors of correctly recognized words with known times."""
    wanted = [(word, lead + start) for word, start, _ in said.words()]
    matcher = SequenceMatcher(None, [w for w, _ in wanted], [w for w, _ in found], autojunk=False)
    return [
        abs(wanted[block.a + step][1] - found[block.b + step][1])
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the evaluation; return 0, or 1 after an error or a missed limit."""
    parser = argparse.ArgumentParser(prog="python -m demo_model.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, default=DEMO_MODEL, help="model folder")
    parser.add_argument(
        "--seed", type=int, default=1, help="random seed for sentences, voices and sounds"
    )
    parser.add_argument(
        "--sentences", type=int, default=SENTENCES, help="number of sentences to synthesise"
    )
    arguments = parser.parse_args(argv)
    return command.run("eval-model", lambda: _evaluate(arguments))


def _evaluate(arguments: argparse.Namespace) -> int:
    with step("evaluating") as tell:
        scores = Evaluation(arguments.model, arguments.seed, arguments.sentences, tell).run()
    print(f"seed {arguments.seed}, {arguments.sentences} sentences")
    print("\n".join(scores.lines()))
    return 0 if scores.hold() else 1


if __name__ == "__main__":
    sys.exit(main())
