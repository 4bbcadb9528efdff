# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Benefit and cost of terms: names spelled correctly, and hallucinated names.

``python -m benchmarks.terms base`` decodes sentences by synthetic voices with 50 names, as finals
and as growing partials, with the names as terms and without. Audio without names (real prompts,
hold music, noise, silence) is decoded both ways too: any name in it is hallucinated.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import WordErrors, total, word_errors
from benchmarks.real_calls.prompts import SAMPLE_RATE as PROMPT_RATE
from benchmarks.real_calls.prompts import hold_music, read_prompts
from benchmarks.reporting import columns
from demo_model.tts import line, sounds
from demo_model.tts.synthesis import SAMPLE_RATE, speak
from demo_model.tts.voices import Voice
from scripts.weights import NAMES, weights
from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job, Scheduling
from whisper_endpoint.ingress.planning.decoding_parameters import for_partial
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters, Priority
from whisper_endpoint.settings import EndpointSettings

_Samples = NDArray[np.float32]

TERMS: Final = (
    "Kowalczyk", "Okonkwo", "Lindqvist", "Takahashi", "Marchetti", "Haverkamp", "Brzezinski",
    "Papadakis", "Oyelaran", "Thibodeaux", "Vandersloot", "Czerny", "Abernathy", "Quintanilla",
    "Ramaswamy", "Feuerstein", "Gallagher", "Ivanovski", "Nakagawa", "Pellegrino", "Schoonmaker",
    "Wojcik", "Zellweger", "Mkhize", "Bjornstad", "Dagenhart", "Etcheverry", "Fitzmaurice",
    "Holloway", "Jankowski", "Kettering", "Lundgren", "Mendenhall", "Novotny", "Ostrander",
    "Prendergast", "Rutherford", "Stavros", "Trevisani", "Ulrichsen", "Velocitel", "Quantivo",
    "Zentrafix", "Broadmere", "Calyxia", "Novapress", "Ferrolux", "Medivance", "Trustwell",
    "Omnigrid",
)  # fmt: skip
"""40 surnames and 10 product names, which no other text of this benchmark contains."""
_SENTENCES: Final = (
    "Hello, I am calling about {}, can you help me?",
    "Please send it to {} before Friday.",
    "I spoke with somebody from {} yesterday.",
)
_VOICES: Final = (
    Voice("flite", "slt", 180),
    Voice("flite", "awb", 120),
    Voice("espeak-ng", "en-us+f2", 50),
)
_STEP_S = 0.8
_SOUND_S = 6


@dataclass
class Tally:
    """Results of one configuration."""

    names: int = 0
    said: int = 0
    invented: int = 0
    texts: int = 0
    errors: list[WordErrors] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        """Return names found, texts with hallucinated names, and word error rate."""
        found = f"{self.names} of {self.said}" if self.said else ""
        wrong = f"{100 * total(self.errors).rate:.1f} %" if self.errors else ""
        return found, f"{self.invented} of {self.texts}", wrong


class TermsMeasurement:
    """Decodes audio with and without terms."""

    def __init__(self, engine: WhisperEngine, settings: EndpointSettings) -> None:
        self._engine, self._settings = engine, settings
        self._features = Features(engine.facts.n_mels)

    def heard(self, samples: _Samples, parameters: Parameters, *, is_partial: bool) -> str:
        """Return the text of an utterance."""
        how = for_partial(parameters, self._settings) if is_partial else parameters
        audio = Audio(samples)
        windows = record(audio, self._features, how).whole().windows
        if not windows:
            return ""
        priority = Priority.PARTIAL if is_partial else Priority.FINAL
        job = Job(windows, how, float("inf"), Scheduling(priority=priority, utterance="one"))
        return "".join(
            one.text for result in self._engine.transcribe(job) for one in result.segments
        )

    def row(
        self, sayings: Sequence[tuple[str, str, _Samples]], how: Parameters, *, is_partial: bool
    ) -> Tally:
        """Decode all and count; a saying is (name, text, samples)."""
        tally = Tally()
        for name, text, samples in sayings:
            heard = self.heard(samples, how, is_partial=is_partial)
            words = set(heard.replace("'s", "").replace(".", " ").replace(",", " ").split())
            tally.texts += 1
            tally.said += bool(name)
            tally.names += name in words
            tally.invented += any(term in words for term in TERMS if term != name)
            if text:
                tally.errors.append(word_errors(text, heard))
        return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.terms")
    parser.add_argument("model", choices=NAMES)
    parser.add_argument(
        "--names", type=int, default=len(TERMS), help="number of names, at most 50 (default: 50)"
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: 0, all)")
    options = parser.parse_args(arguments)
    settings = EndpointSettings(compute_type="int8", cpu_threads=options.threads, engine_workers=1)
    engine = WhisperEngine.load(weights(options.model), "cpu", settings)
    measurement = TermsMeasurement(engine, settings)
    rows: list[tuple[str, ...]] = [("what", "terms", "names right", "invented", "word errors")]
    for kind, sayings, ways in _kinds(options.names):
        for is_partial, vad_filter in ways:
            for terms in ((), TERMS):
                how = Parameters(language="en", vad_filter=vad_filter, terms=terms)
                tally = measurement.row(sayings, how, is_partial=is_partial)
                name = f"{kind}, {'partials' if is_partial else 'finals'}"
                name += "" if vad_filter else ", no detection"
                rows.append((name, str(len(terms)), *tally.cells()))
                print("\n".join(columns(rows[-1:])), flush=True)
    print("\n".join(columns(rows)))
    return 0


def _kinds(
    names: int,
) -> Iterator[tuple[str, list[tuple[str, str, _Samples]], tuple[tuple[bool, bool], ...]]]:
    spoken = list(_sentences(TERMS[:names]))
    yield "names", spoken, ((False, True), (True, True))
    yield "names as they grow", list(_growing(spoken)), ((True, True),)
    yield "real prompts", list(_prompts(names)), ((False, True), (True, True))
    yield (
        "hold music, noise, silence",
        list(_sounds()),
        ((False, True), (False, False), (True, False)),
    )


def _sentences(names: Sequence[str]) -> Iterator[tuple[str, str, _Samples]]:
    for place, name in enumerate(names):
        text = _SENTENCES[place % len(_SENTENCES)].format(name)
        said = speak(_VOICES[place // 3 % len(_VOICES)], text)
        yield name, text, line.from_line(line.to_line(said.samples))


def _growing(spoken: Sequence[tuple[str, str, _Samples]]) -> Iterator[tuple[str, str, _Samples]]:
    """Yield partials: growing prefixes of every fifth utterance, in steps of 0.8 s."""
    for name, _, samples in spoken[::5]:
        for end in np.arange(_STEP_S, len(samples) / SAMPLE_RATE, _STEP_S):
            yield name, "", samples[: round(end * SAMPLE_RATE)]


def _prompts(number: int) -> Iterator[tuple[str, str, _Samples]]:
    prompts = read_prompts("en")
    for one in prompts[:: max(1, len(prompts) // (number // 2))]:
        wide = line.from_line(one.samples.astype(np.float32) / np.float32(32768))
        yield "", one.text, wide


def _sounds() -> Iterator[tuple[str, str, _Samples]]:
    chance = np.random.default_rng(5)
    length = _SOUND_S * SAMPLE_RATE
    for make in (sounds.silence, sounds.noise, sounds.tones, sounds.hum, sounds.clicks):
        for _ in range(3):
            yield "", "", np.asarray(make(length, SAMPLE_RATE, chance), np.float32)
    for piece in hold_music():
        for begin in (5, 35):
            part = piece[begin * PROMPT_RATE : (begin + _SOUND_S) * PROMPT_RATE]
            yield "", "", line.from_line(part.astype(np.float32) / np.float32(32768))


if __name__ == "__main__":
    sys.exit(main())
