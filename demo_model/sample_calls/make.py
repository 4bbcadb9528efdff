# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Make the two-channel sample calls and their references: `python -m demo_model.sample_calls.make`.

Needs the Debian packages espeak-ng and flite. The same seed gives the same sentences and pauses
everywhere, and the same bytes wherever the synthesisers are the same.
"""

import argparse
import random
import sys
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import references
from benchmarks.references import Reference, ReferenceUtterance
from demo_model.sample_calls.dialogue import (
    AGENT,
    CALLER,
    NOISE,
    ON_HOLD,
    OVERLAP,
    SILENT_CALLER,
    SPANISH,
    UNKNOWN_VOICE,
    FilledLine,
    ScriptLine,
    draw,
)
from demo_model.tts import line
from demo_model.tts.sentences import Language
from demo_model.tts.sounds import hold_music
from demo_model.tts.synthesis import Spoken, speak
from demo_model.tts.voices import HELD_OUT, Voice
from scripts import command
from scripts.publish.errors import CommandError

Speak = Callable[[Voice, str], Spoken]


SAMPLE_RATE = line.LINE_RATE
SPEECH_DBFS = -22.0  # RMS; telephone networks aim for about -26 to -20 dBm0
MUSIC_DBFS = -28.0
PEAK = 0.95
DEFAULT_SEED = 1
LEAD_S = 1.2
TAIL_S = 1.2
SHORTEST_PAUSE_S = 1.0  # LCA ends an utterance after 0.6 s; keep two sentences apart
OVERLAP_S = 0.8
LINE_NOISE_DBFS = -70.0


class CallTooLong(CommandError):
    """The drawn sentences do not fit into the call; another seed may work."""


@dataclass(frozen=True)
class CallPlan:
    """Parameters of a call.

    `name`: stem of the two files. `voices`: agent's and caller's. `seconds`: length of the call.
    `caller_noise_dbfs`: level of the noise behind the caller; the agent's line has the line's own.
    """

    name: str
    script: tuple[ScriptLine, ...]
    voices: tuple[Voice, Voice]
    seconds: float
    language: Language = "en"
    caller_noise_dbfs: float = LINE_NOISE_DBFS


PLANS = (
    CallPlan(
        "agent-and-caller-overlap",
        OVERLAP,
        (Voice("flite", "slt", 170), Voice("espeak-ng", "en-us+m3", 45)),
        seconds=34,
    ),
    CallPlan(
        "caller-in-background-noise",
        NOISE,
        (Voice("espeak-ng", "en-gb-x-rp+f2", 55), Voice("flite", "awb", 120)),
        seconds=36,
        caller_noise_dbfs=-48.0,
    ),
    CallPlan(
        "caller-mostly-silent",
        SILENT_CALLER,
        (Voice("flite", "slt", 190, 0.95), Voice("espeak-ng", "en-gb-scotland+f5", 60)),
        seconds=32,
    ),
    CallPlan(
        "caller-on-hold",
        ON_HOLD,
        (Voice("flite", "awb", 130), Voice("flite", "slt", 160, 1.05)),
        seconds=72,
    ),
    CallPlan(
        "caller-of-unknown-voice",
        UNKNOWN_VOICE,
        (Voice("espeak-ng", "en-us+f1", 50), HELD_OUT["en"][0]),
        seconds=46,
    ),
    CallPlan(
        "spanish-caller",
        SPANISH,
        (Voice("espeak-ng", "es-419+f2", 55, 0.95), Voice("espeak-ng", "es+m1", 45)),
        seconds=54,
        language="es",
    ),
)


def build_call(
    plan: CallPlan, seed: int, speak: Speak = speak
) -> tuple[NDArray[np.int16], Reference]:
    """Make a call: (n, 2), int16 at 8 kHz, column 0 the agent's, with its reference.

    Raises CallTooLong if the sentences do not fit even with the shortest pauses.
    """
    words = random.Random(f"{plan.name} {seed}")  # noqa: S311 - a draw of words, not a secret
    sentences = draw(plan.script, plan.language, words)
    spoken = [speak(plan.voices[said.channel], said.text) for said in sentences]
    clips = [line.at_level(line.to_line(clip.samples), SPEECH_DBFS, PEAK) for clip in spoken]
    chance = np.random.default_rng(words.getrandbits(64))
    starts = _place(plan, sentences, [len(clip) for clip in clips], chance)
    audio = _noise(plan, chance)
    utterances = []
    for said, voiced, clip, start in zip(sentences, spoken, clips, starts, strict=True):
        end = start + len(clip)
        audio[start:end, said.channel] += clip
        if said.hold_s:
            _hold(audio[:, AGENT], end, said.hold_s, chance)
        utterances.append(_utterance(said, voiced, start / SAMPLE_RATE))
    reference = Reference(
        plan.name,
        plan.language,
        SAMPLE_RATE,
        tuple(
            references.ReferenceChannel(channel, role, str(plan.voices[channel]))
            for channel, role in ((AGENT, "agent"), (CALLER, "caller"))
        ),
        tuple(sorted(utterances, key=lambda said: said.start)),
    )
    return np.rint(np.clip(audio, -1, 1) * 32767).astype(np.int16), reference


def _utterance(said: FilledLine, spoken: Spoken, begin: float) -> ReferenceUtterance:
    words = tuple(
        references.ReferenceWord(word, round(begin + start, 3), round(begin + end, 3))
        for word, start, end in spoken.words()
    )
    return ReferenceUtterance(
        said.channel, round(begin, 3), round(begin + spoken.duration, 3), said.text, words
    )


def _hold(
    channel: NDArray[np.float64], end: int, seconds: float, chance: np.random.Generator
) -> None:
    """Add music after a sentence that ends at sample `end`, with a second of quiet around it."""
    quiet = round(SHORTEST_PAUSE_S * SAMPLE_RATE)
    first = end + quiet
    length = round(seconds * SAMPLE_RATE) - 2 * quiet
    music = line.at_level(hold_music(length, SAMPLE_RATE, chance), MUSIC_DBFS, PEAK)
    channel[first : first + length] += music


def _place(
    plan: CallPlan,
    sentences: Sequence[FilledLine],
    lengths: Sequence[int],
    chance: np.random.Generator,
) -> list[int]:
    """Place the clips in time; pauses share the remaining time by random weights."""
    weights = chance.uniform(0.3, 1.0, len(sentences) - 1)
    weights[[said.overlaps for said in sentences[1:]]] = 0
    shortest = np.where(weights > 0, SHORTEST_PAUSE_S, -OVERLAP_S)
    holds = np.array([said.hold_s for said in sentences[:-1]])
    shortest = np.where(holds > 0, holds, shortest)
    spare = plan.seconds - LEAD_S - TAIL_S - sum(lengths) / SAMPLE_RATE - shortest.sum()
    if spare < 0:
        raise CallTooLong(
            f"The sentences of {plan.name} are {-spare:.1f} s too long for {plan.seconds:g} s; "
            "take another seed."
        )
    pauses = shortest + spare * weights / weights.sum()
    starts = [round(LEAD_S * SAMPLE_RATE)]
    for length, pause in zip(lengths, pauses, strict=False):
        starts.append(starts[-1] + length + round(float(pause) * SAMPLE_RATE))
    return starts


def _noise(plan: CallPlan, chance: np.random.Generator) -> NDArray[np.float64]:
    """Return the call's background: white noise on the line, pink behind the caller."""
    length = round(plan.seconds * SAMPLE_RATE)
    audio = chance.standard_normal((length, 2)) * 10 ** (LINE_NOISE_DBFS / 20)
    spectrum = np.fft.rfft(chance.standard_normal(length))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    pink = np.fft.irfft(spectrum, length)
    if plan.caller_noise_dbfs > LINE_NOISE_DBFS:
        audio[:, CALLER] += pink / pink.std() * 10 ** (plan.caller_noise_dbfs / 20)
    return audio


def write_call(samples: NDArray[np.int16], reference: Reference, folder: Path) -> None:
    """Write `<name>.wav` and `<name>.json`."""
    with wave.open(str(folder / f"{reference.name}.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(reference.sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    (folder / f"{reference.name}.json").write_text(reference.to_json(), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Make every call; return 0, or 1 with an error on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m demo_model.sample_calls.make", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=references.CALLS, help="folder to write to")
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="random seed for sentences, pauses and noise"
    )
    arguments = parser.parse_args(argv)
    return command.run("sample-calls", lambda: _make(arguments.out, arguments.seed))


def _make(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for plan in PLANS:
        samples, reference = build_call(plan, seed)
        write_call(samples, reference, folder)
        print(f"{reference.name}: {len(reference.utterances)} utterances")


if __name__ == "__main__":
    sys.exit(main())
