# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Compose two-channel telephone calls of real voices, with known times for every word.

Utterances are as long as in real calls, with pauses of 0.3 to 60 s. The same
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

# From three real calls: the median, and the longest before a transcriber cuts.
_MEDIAN_S, _LONGEST_S = 5.0, 28.0
_LENGTH_SPREAD = 0.8  # of the logarithm: 10 % are over 14 s, 10 % under 1.8 s
# Gap between two prompts of an utterance: a breath.
_GAP_S = (0.15, 0.45)
_PAUSE_SPREAD = 1.3
_SAME_SPEAKER = 0.25  # share of utterances by the previous speaker
_LEAD_S = 0.7
_MUSIC_FROM_S = 6.0  # no music in shorter pauses
_BAND_HZ = (300.0, 3400.0)


@dataclass(frozen=True, kw_only=True)
class CallRecipe:
    """Parameters of a call.

    Attributes
    ----------
    seed : int
        Random seed for who says what and when.
    languages : tuple of two str
        Languages of channel 0 (the agent) and channel 1.
    seconds : float
        Approximate length; the call ends with a whole utterance.
    levels_dbfs : tuple of two float
        RMS of each channel's speech without silence. Peaks above full scale are clipped, as on an
        overdriven line, from about -15.
    shortest_pause_s, median_pause_s, longest_pause_s : float
        Pauses between utterances, in seconds, regardless of speaker.
    music : bool
        Play hold music on channel 0 in pauses of over six seconds, away from speech.
    noise_dbfs : float
        Level of pink noise on channel 1; both channels have the line's white noise.
    crosstalk_db : float or None
        Attenuation of each channel on the other; None: no crosstalk.
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
    """A prompt in a call: first and last sound in seconds from the call's start."""

    channel: int
    start: float
    end: float
    text: str
    language: str
    name: str


@dataclass(frozen=True)
class PlacedUtterance:
    """A speaker's prompts up to a pause, with breaths in between; times as in PlacedPrompt."""

    channel: int
    start: float
    end: float
    text: str
    language: str
    prompts: tuple[PlacedPrompt, ...]


@dataclass(frozen=True)
class ComposedCall:
    """A call with its reference.

    Attributes
    ----------
    recipe : CallRecipe
    samples : ndarray, shape (n, 2), int16, 8 kHz
    utterances : tuple of PlacedUtterance
        Ordered by start.
    speech : ndarray, shape (n // 80, 2), bool
        Whether each channel's own speaker is heard in each 10 ms, by level, before adding noise,
        music and crosstalk.
        Start and end of hold music on channel 0, in seconds.
    """

    recipe: CallRecipe
    samples: NDArray[np.int16]
    utterances: tuple[PlacedUtterance, ...]
    speech: NDArray[np.bool_] = field(repr=False)
    music: tuple[tuple[float, float], ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE

    def text(self, channel: int) -> str:
        """Return the whole text of a channel."""
        return " ".join(one.text for one in self.utterances if one.channel == channel)

    def audio(self, channel: int) -> NDArray[np.float32]:
        """Return a channel resampled to 16 kHz: shape (n,), float32 in [-1, 1]."""
        return line.from_line(self.samples[:, channel].astype(np.float32) / np.float32(32768))

    def wav(self, wire: Wire = "telephone", channel: int | None = None) -> bytes:
        """Return the call, or one of its channels, as a WAV file.

        Parameters
        ----------
        wire : str
            ``telephone`` is 8 kHz, ``wide`` resampled to 16 kHz, ``doubled`` repeats every sample
            for 16 kHz, as LCA's client does.
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
    """Compose a call.

    Parameters
    ----------
    recipe : CallRecipe
    voices : pair of sequences of Prompt, optional
        Prompts of each channel's speaker; default: all prompts of its language.

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
    """A prompt and its place; `turn` counts utterances."""

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
    """Yield prompts endlessly, repeating none before all have been used."""
    while True:
        yield from (prompts[index] for index in chance.permutation(len(prompts)))


def _utterance(deck: Iterator[Prompt], chance: np.random.Generator) -> list[Prompt]:
    """Take prompts up to the length of a real utterance."""
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
    """Yield the spans of hold music: in long pauses, a second away from speech."""
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
    """Return the background: shape (length, 2), full scale 1."""
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
    """Apply a band-pass of 300 to 3400 Hz, with slopes of 100 Hz."""
    size = _fast_size(len(samples))
    spectrum = np.fft.rfft(samples, size, axis=0)
    hertz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    low, high = _BAND_HZ
    gain = np.interp(hertz, [low - 100, low, high, high + 100], [0.0, 1.0, 1.0, 0.0])
    kept = np.fft.irfft(spectrum * gain[:, None], size, axis=0)
    return np.asarray(kept[: len(samples)])


def _fast_size(length: int) -> int:
    """Return the next power of two: an FFT of a length with large prime factors takes seconds."""
    return 1 << (length - 1).bit_length()


def _int16(samples: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.int16]:
    return np.asarray(np.rint(np.clip(samples, -1, 1) * 32767), np.int16)
