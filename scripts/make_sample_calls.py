# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Make the two-channel sample calls and their references: `python -m scripts.make_sample_calls`.

Needs the Debian packages espeak-ng and flite. The same seed gives the same sentences and pauses
everywhere, and the same bytes wherever the synthesisers are the same.
"""

from __future__ import annotations

import argparse
import random
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scripts.errors import CommandError
from scripts.references import Reference, ReferenceChannel, ReferenceUtterance
from scripts.sample_dialogue import AGENT, CALLER, NOISE, OVERLAP, SILENT_CALLER, draw
from scripts.speech_synthesis import (
    SAMPLE_RATE,
    Voice,
    speak,
    speech_bounds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from scripts.sample_dialogue import Line, Sentence
    from scripts.speech_synthesis import Speech

    Speak = Callable[[Voice, str], Speech]

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "calls"

CALL_S = 30.5  # 30 s at least, and 8 kHz x 2 channels x 2 bytes of it stay below 1 MB
DEFAULT_SEED = 1
LEAD_S = 1.2
TAIL_S = 1.2
SHORTEST_PAUSE_S = 1.0  # LCA ends an utterance after 0.6 s; keep two sentences apart
OVERLAP_S = 0.8
LINE_NOISE_DBFS = -70.0


class CallTooLong(CommandError):
    """The sentences that were drawn do not fit into a call; another seed may."""


@dataclass(frozen=True)
class Plan:
    """How a call is made.

    Attributes
    ----------
    name : str
        Stem of the two files.
    script : tuple of Line
    voices : tuple of Voice
        Agent's and caller's.
    caller_noise_dbfs : float
        Level of the noise behind the caller; the agent's line has the line's own.
    """

    name: str
    script: tuple[Line, ...]
    voices: tuple[Voice, Voice]
    caller_noise_dbfs: float = LINE_NOISE_DBFS


PLANS = (
    Plan(
        "agent-and-caller-overlap",
        OVERLAP,
        (Voice("flite", "slt", 170, 1.0), Voice("espeak-ng", "en-us+m3", 45, 155)),
    ),
    Plan(
        "caller-in-background-noise",
        NOISE,
        (Voice("espeak-ng", "en-gb-x-rp+f2", 55, 150), Voice("flite", "rms", 105, 1.0)),
        caller_noise_dbfs=-48.0,
    ),
    Plan(
        "caller-mostly-silent",
        SILENT_CALLER,
        (Voice("flite", "awb", 130, 1.05), Voice("espeak-ng", "en-gb-scotland+f4", 60, 160)),
    ),
)


def build_call(plan: Plan, seed: int, speak: Speak = speak) -> tuple[NDArray[np.int16], Reference]:
    """Draw, synthesise and place one call.

    Parameters
    ----------
    plan : Plan
    seed : int
        Draws sentences, pauses and noise.
    speak : callable, optional
        Voice and text to 8 kHz audio.

    Returns
    -------
    samples : ndarray, shape (n, 2), int16, 8 kHz
        Column 0 agent, column 1 caller.
    reference : Reference

    Raises
    ------
    CallTooLong
        If the sentences with the shortest pauses exceed the call.
    """
    words = random.Random(f"{plan.name} {seed}")  # noqa: S311 - a draw of words, not a secret
    sentences = draw(plan.script, words)
    clips = [_trimmed(speak(plan.voices[said.channel], said.text)) for said in sentences]
    chance = np.random.default_rng(words.getrandbits(64))
    starts = _place(plan, sentences, [len(clip) for clip in clips], chance)
    audio = _noise(plan, chance)
    utterances = []
    for said, clip, start in zip(sentences, clips, starts, strict=True):
        audio[start : start + len(clip), said.channel] += clip
        first, last = speech_bounds(clip)
        utterances.append(
            ReferenceUtterance(
                said.channel,
                round((start + first) / SAMPLE_RATE, 3),
                round((start + last) / SAMPLE_RATE, 3),
                said.text,
            )
        )
    reference = Reference(
        plan.name,
        SAMPLE_RATE,
        tuple(
            ReferenceChannel(channel, role, str(plan.voices[channel]))
            for channel, role in ((AGENT, "agent"), (CALLER, "caller"))
        ),
        tuple(sorted(utterances, key=lambda said: said.start)),
    )
    return np.rint(np.clip(audio, -1, 1) * 32767).astype(np.int16), reference


def _trimmed(clip: Speech) -> Speech:
    start, end = speech_bounds(clip)
    return clip[start:end]


def _place(
    plan: Plan, sentences: Sequence[Sentence], lengths: Sequence[int], chance: np.random.Generator
) -> list[int]:
    """Lay the clips out in time; pauses share what the speech leaves, by drawn weights."""
    weights = chance.uniform(0.3, 1.0, len(sentences) - 1)
    weights[[said.overlaps for said in sentences[1:]]] = 0
    shortest = np.where(weights > 0, SHORTEST_PAUSE_S, -OVERLAP_S)
    spare = CALL_S - LEAD_S - TAIL_S - sum(lengths) / SAMPLE_RATE - shortest.sum()
    if spare < 0:
        raise CallTooLong(
            f"The sentences of {plan.name} are {-spare:.1f} s too long for {CALL_S} s; take "
            "another seed."
        )
    pauses = shortest + spare * weights / weights.sum()
    starts = [round(LEAD_S * SAMPLE_RATE)]
    for length, pause in zip(lengths, pauses, strict=False):
        starts.append(starts[-1] + length + round(float(pause) * SAMPLE_RATE))
    return starts


def _noise(plan: Plan, chance: np.random.Generator) -> NDArray[np.float64]:
    """Return the whole call's background: white on the line, pink behind the caller."""
    length = round(CALL_S * SAMPLE_RATE)
    line = chance.standard_normal((length, 2)) * 10 ** (LINE_NOISE_DBFS / 20)
    spectrum = np.fft.rfft(chance.standard_normal(length))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    pink = np.fft.irfft(spectrum, length)
    if plan.caller_noise_dbfs > LINE_NOISE_DBFS:
        line[:, CALLER] += pink / pink.std() * 10 ** (plan.caller_noise_dbfs / 20)
    return line


def write_call(samples: NDArray[np.int16], reference: Reference, folder: Path) -> None:
    """Write `<name>.wav` and `<name>.json`."""
    with wave.open(str(folder / f"{reference.name}.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(reference.sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    (folder / f"{reference.name}.json").write_text(reference.to_json(), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Make every call; return 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="make_sample_calls", description=__doc__)
    parser.add_argument("--out", type=Path, default=SAMPLES, help="folder to write to")
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="draws sentences, pauses and noise"
    )
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        for plan in PLANS:
            samples, reference = build_call(plan, arguments.seed)
            write_call(samples, reference, arguments.out)
            print(f"{reference.name}: {len(reference.utterances)} utterances")
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
