# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Two-channel telephone calls of real voices, of which every word's place is known.

Utterances are as long as those of real calls, the pauses between them 0.3 to 60 s. The same
recipe gives the same call wherever the same prompts are installed.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_calls.levels import speech_frames, speech_rms
from benchmarks.real_calls.prompts import SAMPLE_RATE, Prompt, hold_music, read_prompts
from demo_model.tts import line
from whisper_stream.audio.samples import wav_bytes

Wire: TypeAlias = Literal["telephone", "wide", "doubled"]

CHANNELS: Final = 2
LINE_NOISE_DBFS: Final = -70.0
MUSIC_DBFS: Final = -28.0

# Of three real calls: the median, and the longest before a transcriber cuts.
_MEDIAN_S, _LONGEST_S = 5.0, 28.0
_LENGTH_SPREAD = 0.8  # of the logarithm: a tenth is over 14 s, a tenth under 1.8 s
# Within an utterance, between two prompts: a breath.
_GAP_S = (0.15, 0.45)
_PAUSE_SPREAD = 1.3
_SAME_SPEAKER = 0.25  # of utterances are by the speaker of the one before
_LEAD_S = 0.7
_MUSIC_FROM_S = 6.0  # shorter pauses are not put on hold
_BAND_HZ = (300.0, 3400.0)


@dataclass(frozen=True, kw_only=True)
class CallRecipe:
    """What a call is made of.

    Attributes
    ----------
    seed : int
        Draws who says what and when.
    languages : tuple of two str
        Spoken on channel 0, the agent's, and channel 1.
    seconds : float
        About how long the call is; it ends with a whole utterance.
    levels_dbfs : tuple of two float
        Of each channel's speech: the root mean square of what is not silence. Peaks above full
        scale are clipped, as an overdriven line does, which begins at about -15.
    shortest_pause_s, median_pause_s, longest_pause_s : float
        Between utterances, whoever speaks.
    music : bool
        Channel 0 hears hold music in pauses of over six seconds, not where it would touch speech.
    noise_dbfs : float
        Of pink noise behind channel 1; the line's own white noise is behind both.
    crosstalk_db : float or None
        By how much each channel is weaker on the other; None: not at all.
    """

    seed: int
    languages: tuple[str, str] = ("en", "en")
    seconds: float = 240.0
    levels_dbfs: tuple[float, float] = (-20.0, -20.0)
    shortest_pause_s: float = 0.3
    median_pause_s: float = 1.2
    longest_pause_s: float = 60.0
    music: bool = False
    noise_dbfs: float = LINE_NOISE_DBFS
    crosstalk_db: float | None = None


@dataclass(frozen=True)
class PlacedPrompt:
    """A prompt in a call: the seconds of its first and last sound from the call's start."""

    channel: int
    start: float
    end: float
    text: str
    language: str
    name: str


@dataclass(frozen=True)
class PlacedUtterance:
    """What one speaker says until a pause: prompts with breaths between, times as theirs."""

    channel: int
    start: float
    end: float
    text: str
    language: str
    prompts: tuple[PlacedPrompt, ...]


@dataclass(frozen=True)
class ComposedCall:
    """A call and what is said in it.

    Attributes
    ----------
    recipe : CallRecipe
    samples : ndarray, shape (n, 2), int16, 8 kHz
    utterances : tuple of PlacedUtterance
        In order of their start.
    speech : ndarray, shape (n // 80, 2), bool
        Of each 10 ms of each channel, whether its own speaker is heard, by level, before noise,
        music and crosstalk were put in.
    music : tuple of (float, float)
        Seconds on channel 0 from and until which hold music plays.
    """

    recipe: CallRecipe
    samples: NDArray[np.int16]
    utterances: tuple[PlacedUtterance, ...]
    speech: NDArray[np.bool_] = field(repr=False)
    music: tuple[tuple[float, float], ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / SAMPLE_RATE

    def text(self, channel: int) -> str:
        """Return all that is said on a channel."""
        return " ".join(one.text for one in self.utterances if one.channel == channel)

    def audio(self, channel: int) -> NDArray[np.float32]:
        """Return a channel, properly resampled: shape (n,), float32 in [-1, 1], 16 kHz."""
        return line.from_line(self.samples[:, channel].astype(np.float32) / np.float32(32768))

    def wav(self, wire: Wire = "telephone", channel: int | None = None) -> bytes:
        """Write the call, or one of its channels, as a WAV file.

        Parameters
        ----------
        wire : str
            ``telephone`` is 8 kHz, ``wide`` resampled to 16 kHz, ``doubled`` every sample twice
            at 16 kHz, as LCA's client sends it.
        channel : int or None
            None: both channels.
        """
        samples = self.samples if channel is None else self.samples[:, [channel]]
        if wire == "telephone":
            return wav_bytes(samples, SAMPLE_RATE)
        if wire == "doubled":
            return wav_bytes(np.repeat(samples, 2, axis=0), 2 * SAMPLE_RATE)
        wide = [line.from_line(one.astype(np.float32) / np.float32(32768)) for one in samples.T]
        return wav_bytes(_int16(np.stack(wide, axis=1)), 2 * SAMPLE_RATE)


def compose(recipe: CallRecipe, voices: Sequence[Sequence[Prompt]] | None = None) -> ComposedCall:
    """Put a call together.

    Parameters
    ----------
    recipe : CallRecipe
    voices : pair of sequences of Prompt, optional
        What each channel's speaker can say; by default all prompts of its language.

    Raises
    ------
    CommandError
        The voices are not installed.
    """
    chance = np.random.default_rng(recipe.seed)
    known = voices or [read_prompts(language) for language in recipe.languages]
    drawn = _dialogue(recipe, known, chance)
    length = round((drawn[-1].end + _LEAD_S) * SAMPLE_RATE)
    clean = np.zeros((length, CHANNELS))
    for part in drawn:
        at = round(part.start * SAMPLE_RATE)
        clean[at : at + len(part.prompt.samples), part.channel] = part.prompt.samples
    speech = np.stack([speech_frames(_int16(one / 32768), SAMPLE_RATE) for one in clean.T], axis=1)
    utterances = _utterances(drawn)
    levelled = np.stack(
        [_at_level(one, dbfs) for one, dbfs in zip(clean.T, recipe.levels_dbfs, strict=True)],
        axis=1,
    )
    music = tuple(_pauses(recipe, utterances))
    heard = levelled + _background(recipe, music, length, chance)
    if recipe.crosstalk_db is not None:
        heard += levelled[:, ::-1] * 10 ** (-recipe.crosstalk_db / 20)
    samples = _int16(line.companded(_telephone_band(heard).astype(np.float32), "mu"))
    return ComposedCall(recipe, samples, utterances, speech, music)


@dataclass(frozen=True)
class _Drawn:
    """A prompt and where it goes; `turn` counts utterances."""

    turn: int
    channel: int
    start: float
    prompt: Prompt

    @property
    def end(self) -> float:
        return self.start + self.prompt.seconds


def _dialogue(
    recipe: CallRecipe, voices: Sequence[Sequence[Prompt]], chance: np.random.Generator
) -> list[_Drawn]:
    decks = [_shuffled(prompts, chance) for prompts in voices]
    drawn: list[_Drawn] = []
    at, channel, turn = _LEAD_S, int(chance.integers(CHANNELS)), 0
    while not drawn or at < recipe.seconds:
        for prompt in _utterance(decks[channel], chance):
            drawn.append(_Drawn(turn, channel, at, prompt))
            at = drawn[-1].end + float(chance.uniform(*_GAP_S))
        pause = chance.lognormal(np.log(recipe.median_pause_s), _PAUSE_SPREAD)
        at = drawn[-1].end + float(np.clip(pause, recipe.shortest_pause_s, recipe.longest_pause_s))
        if chance.random() > _SAME_SPEAKER:
            channel = 1 - channel
        turn += 1
    return drawn


def _shuffled(prompts: Sequence[Prompt], chance: np.random.Generator) -> Iterator[Prompt]:
    """Yield prompts without end, none again before all have been said."""
    while True:
        yield from (prompts[index] for index in chance.permutation(len(prompts)))


def _utterance(deck: Iterator[Prompt], chance: np.random.Generator) -> list[Prompt]:
    """Take prompts until they are as long as a real utterance."""
    wanted = min(float(chance.lognormal(np.log(_MEDIAN_S), _LENGTH_SPREAD)), _LONGEST_S)
    said = [next(deck)]
    while (total := sum(one.seconds + _GAP_S[1] for one in said)) < wanted:
        following = next(deck)
        if total + following.seconds > _LONGEST_S:
            break
        said.append(following)
    return said


def _utterances(drawn: Sequence[_Drawn]) -> tuple[PlacedUtterance, ...]:
    placed = []
    for turn in range(drawn[-1].turn + 1):
        prompts = tuple(
            PlacedPrompt(
                one.channel,
                round(one.start, 3),
                round(one.end, 3),
                one.prompt.text,
                one.prompt.language,
                one.prompt.name,
            )
            for one in drawn
            if one.turn == turn
        )
        text = " ".join(one.text for one in prompts)
        first, last = prompts[0], prompts[-1]
        placed.append(
            PlacedUtterance(first.channel, first.start, last.end, text, first.language, prompts)
        )
    return tuple(placed)


def _pauses(
    recipe: CallRecipe, utterances: Sequence[PlacedUtterance]
) -> Iterator[tuple[float, float]]:
    """Yield where hold music plays: in long pauses, a second away from all speech."""
    if not recipe.music:
        return
    for before, after in itertools.pairwise(utterances):
        if after.start - before.end >= _MUSIC_FROM_S:
            yield before.end + 1.0, after.start - 1.0


def _background(
    recipe: CallRecipe,
    music: Sequence[tuple[float, float]],
    length: int,
    chance: np.random.Generator,
) -> NDArray[np.float64]:
    """Return what is heard beside the voices: shape (length, 2), 1 being full scale."""
    heard = chance.standard_normal((length, CHANNELS)) * 10 ** (LINE_NOISE_DBFS / 20)
    if recipe.noise_dbfs > LINE_NOISE_DBFS:
        size = _fast_size(length)
        spectrum = np.fft.rfft(chance.standard_normal(size))
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
        spectrum[0] = 0
        pink = np.fft.irfft(spectrum, size)[:length]
        heard[:, 1] += pink / pink.std() * 10 ** (recipe.noise_dbfs / 20)
    pieces = hold_music()
    for start, end in music:
        first, count = round(start * SAMPLE_RATE), round((end - start) * SAMPLE_RATE)
        piece = pieces[int(chance.integers(len(pieces)))][:count].astype(np.float32)
        heard[first : first + len(piece), 0] += line.at_level(piece / np.float32(32768), MUSIC_DBFS)
    return heard


def _at_level(channel: NDArray[np.float64], dbfs: float) -> NDArray[np.float64]:
    level = speech_rms(_int16(channel / 32768), SAMPLE_RATE)
    return channel / 32768 * (10 ** (dbfs / 20) / level) if level else channel


def _telephone_band(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep 300 to 3400 Hz, with slopes of 100 Hz."""
    size = _fast_size(len(samples))
    spectrum = np.fft.rfft(samples, size, axis=0)
    hertz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    low, high = _BAND_HZ
    gain = np.interp(hertz, [low - 100, low, high, high + 100], [0.0, 1.0, 1.0, 0.0])
    kept = np.fft.irfft(spectrum * gain[:, None], size, axis=0)
    return np.asarray(kept[: len(samples)])


def _fast_size(length: int) -> int:
    """Return the next power of two: the transform of a length with large factors takes seconds."""
    return 1 << (length - 1).bit_length()


def _int16(samples: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.int16]:
    return np.asarray(np.rint(np.clip(samples, -1, 1) * 32767), np.int16)
