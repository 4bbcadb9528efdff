# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Training windows of synthetic telephone audio, with targets.

A window holds sentences, or sounds without speech. Padding is either 0.0 in the features, as in
faster-whisper, or silence in the audio, as in OpenAI's program.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from demo_model.corpus import Clip
from demo_model.features import HOP, log_mel
from demo_model.model_specs import TIME_STEP
from demo_model.network import FRAMES
from demo_model.tts import line
from demo_model.tts.sentences import SLOTS
from demo_model.tts.sounds import SOUNDS
from demo_model.vocabulary import Vocabulary

RATE = 16_000
IGNORED = -100
"""Target that the loss ignores; PyTorch's default."""

_DIGITS = frozenset(digit for slots in SLOTS.values() for digit in slots["digit"])
_FRAME_SAMPLES = round(TIME_STEP * RATE)
_PROMPT_TOKENS = 40

_SHORTEST = 0.6
_SHARE_OF_DIGITS = 0.35
_MANY_DIGITS = 3
_MOST = 10**9
_TRIES = 200  # a small corpus may lack clips of a length
_SHARE_OF_PROMPTS = 0.2
_SHARE_WITHOUT_TIMES = 0.5
_SHARE_ON_THE_LINE = 0.7
_SHARE_OF_ZERO_FEATURES = 0.6
_SHARE_REARRANGED = 0.35
_FADE_S = 0.004
_SPEEDS = 0.84, 1.18
_LATEST = 0.6  # latest first sentence in a full window, in seconds


@dataclass(frozen=True)
class SpokenSentence:
    """A sentence in a window: seconds from its start, and word starts if known."""

    language: str
    words: tuple[str, ...]
    start: float
    end: float
    starts: tuple[float, ...] | None


@dataclass
class TrainingWindow:
    """A window before feature extraction: audio (n,), float32 at 16 kHz; the rest is padding.

    `has_zero_features`: pad the features rather than the audio.
    """

    audio: NDArray[np.float32]
    sentences: list[SpokenSentence] = field(default_factory=list)
    has_zero_features: bool = False


@dataclass(frozen=True)
class TrainingBatch:
    """Inputs of one training step.

    Attributes
    ----------
    features : Tensor, shape (batch, 80, 2 * frames), float32
    offsets : Tensor, shape (batch,), int64
        Start of the features in the window, in encoder frames.
    tokens, targets : Tensor, shape (batch, length), int64
    frame_words : Tensor, shape (batch, frames), int64
        The word spoken in each frame, 0 for none, `IGNORED` if unknown.
    spoken : list of list of int
        Word classes of windows without known frames; otherwise empty.
    attended : Tensor, shape (batch, length, frames), float32
        Frames of the token predicted at each position, each row summing to 1 or 0.
    """

    features: Tensor
    offsets: Tensor
    tokens: Tensor
    targets: Tensor
    frame_words: Tensor
    spoken: list[list[int]]
    attended: Tensor


class BatchMaker:
    """Draws windows from clips; `words` maps words to classes, from 1."""

    def __init__(
        self, clips: Sequence[Clip], vocabulary: Vocabulary, words: dict[str, int], seed: int
    ) -> None:
        self._vocabulary = vocabulary
        self._words = words
        self._chance = np.random.default_rng(seed)
        self._ids = {word: vocabulary.word(word) for word in words}
        self._by_language: dict[str, list[Clip]] = {}
        for clip in clips:
            self._by_language.setdefault(clip.language, []).append(clip)
        self._languages = sorted(self._by_language)
        self._with_digits = {
            language: [clip for clip in those if _digits(clip) >= _MANY_DIGITS]
            for language, those in self._by_language.items()
        }
        self._shortest_digits = {
            language: sorted(len(clip.samples) for clip in those)[len(those) // 4]
            if those
            else _MOST
            for language, those in self._with_digits.items()
        }
        self._sounds = sorted(SOUNDS)

    def pieces(self, size: int, reach: float = 1.0) -> TrainingBatch:
        """Draw short pieces, one sentence each, that start in the first `reach` of a window.

        A piece keeps its position in the whole window, whose other frames are not computed: many
        sentences for the cost of one window.
        """
        chance = self._chance
        longest = max(len(self._clip(self._language()).samples) for _ in range(2))
        windows = [
            self._window([self._clip(self._language(), longest)], None, chance.random() < 0.15)
            if chance.random() > 0.03
            else self._without_speech(longest)
            for _ in range(size)
        ]
        samples = max(len(window.audio) for window in windows)
        frames = -(-samples // _FRAME_SAMPLES)
        # Vary positions within a batch, so that the model does not learn one.
        offsets = (chance.uniform(0, reach, size) * (FRAMES - frames)).astype(int).tolist()
        return self._batch(windows, frames, offsets)

    def windows(self, size: int, seconds: float) -> TrainingBatch:
        """Draw whole windows of `seconds` length."""
        frames = round(seconds / TIME_STEP)
        return self._batch([self._whole_window(seconds) for _ in range(size)], frames, [0] * size)

    def choose(self, options: Sequence[tuple[float, float, int]]) -> tuple[float, int]:
        """Draw one of (seconds, share, size); shares sum to 1."""
        seconds, shares, sizes = zip(*options, strict=True)
        drawn = int(self._chance.choice(len(options), p=shares))
        return seconds[drawn], sizes[drawn]

    def _whole_window(self, seconds: float) -> TrainingWindow:
        chance = self._chance
        samples = round(seconds * RATE)
        if chance.random() < 0.15:
            return self._without_speech(round(samples * chance.uniform(0.05, 1)))
        language = self._language()
        wanted = chance.choice([1, 1, 1, 2, 3, 8])
        clips: list[Clip] = []
        room = seconds - 1.5
        while len(clips) < wanted:
            clip = self._fitting(language, seconds)
            room -= len(clip.samples) / RATE + 0.8
            if room < 0 and clips:
                break
            clips.append(clip)
        return self._window(clips, samples, chance.random() < 0.15)

    def _window(self, clips: list[Clip], limit: int | None, is_cut: bool) -> TrainingWindow:
        """Concatenate clips, vary their voices, and apply the line."""
        chance = self._chance
        lead = chance.uniform(0, 0.4)
        if limit is not None:
            spare = limit / RATE - sum(len(clip.samples) * 1.15 / RATE + 0.6 for clip in clips)
            is_late = chance.random() < 0.2 and spare > 1
            lead = chance.uniform(_LATEST, min(3, spare)) if is_late else chance.uniform(0, _LATEST)
        parts = [np.zeros(round(lead * RATE), np.float32)]
        begins = len(parts[0])
        sentences: list[SpokenSentence] = []
        for index, drawn in enumerate(clips):
            clip = self._rearranged(drawn) if chance.random() < _SHARE_REARRANGED else drawn
            audio, factor = self._voice(clip)
            if limit is not None and sentences and begins + len(audio) > limit:
                break
            words = tuple(clip.text.split())
            starts = None if clip.starts is None else tuple(at / factor for at in clip.starts)
            if is_cut and index == len(clips) - 1 and starts is not None and len(words) > 2:
                kept = int(chance.integers(1, len(words)))
                audio = audio[: round(starts[kept] * RATE)]
                words, starts = words[:kept], starts[:kept]
            start = begins / RATE
            end = start + len(audio) / RATE
            if starts is not None:
                starts = tuple(start + at for at in starts)
            sentences.append(SpokenSentence(clip.language, words, start, end, starts))
            pause = 0.0 if is_cut and index == len(clips) - 1 else chance.uniform(0.1, 0.9)
            parts += [audio, np.zeros(round(pause * RATE), np.float32)]
            begins += len(audio) + len(parts[-1])
        mixed = np.concatenate(parts)
        if limit is not None:
            mixed = mixed[:limit]
        has_zero_features = bool(chance.random() < _SHARE_OF_ZERO_FEATURES)
        if limit is not None and not has_zero_features:
            mixed = np.pad(mixed, (0, limit - len(mixed)))
        return TrainingWindow(self._line(self._background(mixed)), sentences, has_zero_features)

    def _without_speech(self, length: int) -> TrainingWindow:
        chance = self._chance
        sound = SOUNDS[self._sounds[int(chance.integers(len(self._sounds)))]]
        audio = sound(max(length, 1_600), RATE, chance)
        if chance.random() < 0.5:
            audio = line.from_line(line.companded(line.to_line(audio), "mu"))
        return TrainingWindow(audio, [], bool(chance.random() < _SHARE_OF_ZERO_FEATURES))

    def _rearranged(self, clip: Clip) -> Clip:
        """Shuffle a clip's words, so that sentences cannot be memorised.

        Otherwise the decoder guesses: a month never seen after "before" becomes one that was,
        regardless of the audio.
        """
        words = clip.text.split()
        if clip.starts is None or len(words) < 2:
            return clip
        edges = [round(at * RATE) for at in clip.starts] + [len(clip.samples)]
        order = self._chance.permutation(len(words))
        parts = [_faded(clip.samples[edges[word] : edges[word + 1]]) for word in order]
        begins = np.cumsum([edges[0], *map(len, parts)])[:-1]
        return replace(
            clip,
            text=" ".join(words[word] for word in order),
            samples=np.concatenate([clip.samples[: edges[0]], *parts]),
            starts=tuple((begins / RATE).tolist()),
        )

    def _voice(self, clip: Clip) -> tuple[NDArray[np.float32], float]:
        """Vary the speaker: resampling changes speed, pitch and vocal tract together."""
        audio: NDArray[np.float32] = clip.samples.astype(np.float32) / np.float32(32768)
        factor = 1.0
        if self._chance.random() < 0.6:
            factor = float(self._chance.uniform(*_SPEEDS))
            at = np.arange(0, len(audio) - 1, factor)
            audio = np.interp(at, np.arange(len(audio)), audio).astype(np.float32)
        level = self._chance.uniform(-34, -14)
        return line.at_level(audio, level), factor

    def _background(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        chance = self._chance
        if chance.random() < 0.5:
            return audio
        loud = float(np.sqrt(np.mean(audio[np.abs(audio) > 1e-4] ** 2))) if audio.any() else 0.01
        name = "noise" if chance.random() < 0.8 else str(chance.choice(["hum", "music", "clicks"]))
        sound = SOUNDS[name](len(audio), RATE, chance)
        power = max(1e-9, float(np.sqrt(np.mean(sound**2))))
        ratio = chance.uniform(12, 45)
        return audio + sound * np.float32(loud / power * 10 ** (-ratio / 20))

    def _line(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        chance = self._chance
        if chance.random() > _SHARE_ON_THE_LINE:
            return audio
        narrow = line.to_line(audio)
        law = chance.choice(["mu", "mu", "a", "none"])
        if law != "none":
            narrow = line.companded(narrow, law)
        wide = line.doubled(narrow) if chance.random() < 0.4 else line.from_line(narrow)
        return wide[: len(audio)]

    def _batch(
        self, windows: list[TrainingWindow], frames: int, offsets: list[int]
    ) -> TrainingBatch:
        features = self._features(windows, frames)
        sequences = [
            self._sequence(window, offset) for window, offset in zip(windows, offsets, strict=True)
        ]
        longest = max(len(tokens) for tokens, _, _ in sequences)
        shape = (len(windows), longest)
        tokens = torch.full(shape, self._vocabulary.id("endoftext"))
        targets = torch.full(shape, IGNORED)
        attended = torch.zeros(*shape, frames)
        frame_words = torch.full((len(windows), frames), IGNORED)
        spoken = []
        for row, (window, (ids, wanted, spans)) in enumerate(zip(windows, sequences, strict=True)):
            tokens[row, : len(ids)] = torch.tensor(ids)
            targets[row, : len(wanted)] = torch.tensor(wanted)
            for position, first, last in spans:
                low, high = _frames(first, last, frames)
                if low < high:
                    attended[row, position, low:high] = 1 / (high - low)
            spoken.append(self._label(window, frame_words[row]))
        places = torch.tensor(offsets)
        return TrainingBatch(features, places, tokens, targets, frame_words, spoken, attended)

    def _features(self, windows: list[TrainingWindow], frames: int) -> Tensor:
        audio = torch.zeros(len(windows), frames * _FRAME_SAMPLES)
        for row, window in enumerate(windows):
            heard = torch.from_numpy(np.ascontiguousarray(window.audio, np.float32))
            heard = heard[: audio.shape[1]]
            audio[row, : len(heard)] = heard
        features = log_mel(audio)
        for row, window in enumerate(windows):
            if window.has_zero_features:
                features[row, :, len(window.audio) // HOP + 1 :] = 0.0
        return features

    def _sequence(
        self, window: TrainingWindow, offset: int
    ) -> tuple[list[int], list[int], list[tuple[int, float, float]]]:
        """Return input tokens, targets, and the times of tokens where known."""
        number, chance = self._vocabulary.id, self._chance
        ids: list[int] = []
        if chance.random() < _SHARE_OF_PROMPTS:
            ids = [number("startofprev"), *self._previous(window)]
        ignored = [IGNORED] * len(ids)
        ids.append(number("startoftranscript"))
        if not window.sentences:
            return self._nothing(ids, ignored)
        has_times = chance.random() > _SHARE_WITHOUT_TIMES
        ids += [number(window.sentences[0].language), number("transcribe")]
        spans: list[tuple[int, float, float]] = []
        if not has_times:
            ids.append(number("notimestamps"))
        begins = offset * TIME_STEP
        for sentence in window.sentences:
            if has_times:
                ids.append(self._vocabulary.time(begins + sentence.start))
            spans += self._say(ids, sentence)
            if has_times:
                ids.append(self._vocabulary.time(begins + sentence.end))
        ids.append(number("endoftext"))
        return ids[:-1], [*ignored, *ids[len(ignored) + 1 :]], spans

    def _say(self, ids: list[int], sentence: SpokenSentence) -> list[tuple[int, float, float]]:
        """Append a sentence's tokens; return each one's (predicting position, start, end)."""
        spans = []
        edges = (*sentence.starts, sentence.end) if sentence.starts else None
        for index, word in enumerate(sentence.words):
            pieces = self._ids[word]
            for part in range(len(pieces)):
                if edges is not None:
                    start, end = edges[index], edges[index + 1]
                    step = (end - start) / len(pieces)
                    at = len(ids) - 1 + part
                    spans.append((at, start + part * step, start + (part + 1) * step))
            ids += pieces
        return spans

    def _nothing(
        self, ids: list[int], ignored: list[int]
    ) -> tuple[list[int], list[int], list[tuple[int, float, float]]]:
        """Target for no speech: at the first position, and by ending at once if continued."""
        number = self._vocabulary.id
        language = number(self._language())
        begin = (
            number("notimestamps")
            if self._chance.random() < _SHARE_WITHOUT_TIMES
            else self._vocabulary.time(0)
        )
        asked = [*ids, language, number("transcribe"), begin]
        wanted = [*ignored, number("nospeech"), IGNORED, IGNORED, number("endoftext")]
        return asked, wanted, []

    def _previous(self, window: TrainingWindow) -> list[int]:
        language = window.sentences[0].language if window.sentences else self._language()
        words = " ".join(
            self._clip(language).text for _ in range(int(self._chance.integers(1, 4)))
        ).split()
        return [token for word in words for token in self._ids[word]][-_PROMPT_TOKENS:]

    def _label(self, window: TrainingWindow, frame_words: Tensor) -> list[int]:
        """Label the frames if all word times are known; otherwise return the words in order."""
        if any(sentence.starts is None for sentence in window.sentences):
            return [self._words[word] for said in window.sentences for word in said.words]
        frame_words[:] = 0
        for sentence in window.sentences:
            edges = (*(sentence.starts or ()), sentence.end)
            for word, start, end in zip(sentence.words, edges, edges[1:], strict=False):
                low, high = _frames(start, end, len(frame_words))
                frame_words[low:high] = self._words[word]
        return []

    def _language(self) -> str:
        return self._languages[int(self._chance.integers(len(self._languages)))]

    def _clip(self, language: str, longest: int | None = None) -> Clip:
        clips = self._by_language[language]
        # Digit strings are hardest: the decoder has only positions to rely on.
        shortest_digits = self._shortest_digits[language]
        if self._chance.random() < _SHARE_OF_DIGITS and shortest_digits <= (longest or _MOST - 1):
            clips = self._with_digits[language]
        for _ in range(_TRIES):
            clip = clips[int(self._chance.integers(len(clips)))]
            # Similar lengths keep padding in a batch small.
            if longest is None or longest * _SHORTEST <= len(clip.samples) <= longest:
                return clip
        return clip

    def _fitting(self, language: str, seconds: float) -> Clip:
        """Draw a clip that fits into a window of `seconds`, even at the slowest speed."""
        longest = (seconds - _LATEST) * _SPEEDS[0] * RATE
        for _ in range(_TRIES):
            clip = self._clip(language)
            if len(clip.samples) <= longest:
                break
        return clip


def _faded(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Fade both ends, so that joints do not click."""
    length = min(round(_FADE_S * RATE), len(samples) // 2)
    slope = np.ones(len(samples), np.float32)
    slope[:length] = np.linspace(0, 1, length)
    slope[len(samples) - length :] = np.linspace(1, 0, length)
    return (samples * slope).astype(np.int16)


def _digits(clip: Clip) -> int:
    return sum(word in _DIGITS for word in clip.text.split())


def _frames(start: float, end: float, frames: int) -> tuple[int, int]:
    low = min(round(start / TIME_STEP), frames)
    return low, min(max(round(end / TIME_STEP), low + 1), frames)
