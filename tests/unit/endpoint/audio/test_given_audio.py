# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""No function writes into audio that it is given, of the endpoint or of the live client."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import live_whisper.audio
import whisper_endpoint.audio
import whisper_endpoint.ingress
import whisper_stream.audio
from live_whisper.audio import call_file
from tests.unit.endpoint.helpers import clip_samples, silence
from whisper_endpoint.audio import (
    disk,
    duplicated_samples,
    features,
    full_scale,
    timeline,
    vad,
    windows,
)
from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.speech import hearing, hum, loudness, silero
from whisper_endpoint.ingress import fingerprint, preparation
from whisper_endpoint.ingress.planning import partial_detection
from whisper_endpoint.messages import Parameters, Span, VadParameters, Window
from whisper_endpoint.parsing.request import LiveFields
from whisper_stream.audio import samples as live_samples
from whisper_stream.audio.buffer import AudioBuffer
from whisper_stream.audio.utterances import UtteranceTracker
from whisper_stream.settings import CallSettings

MEL = features.Features(80)
SETTINGS = CallSettings(sample_rate=8000)


def _recorded(samples: np.ndarray) -> object:
    how = Parameters(word_timestamps=True)
    return preparation.record(Audio(samples), MEL, how).whole()


# By name, what calls it with samples; 16 kHz in [-1, 1], or int16 where it comes in.
CALLS: dict[str, Callable[[np.ndarray], object]] = {
    "vad.find_speech": vad.find_speech,
    "vad.trailing_silence": vad.trailing_silence,
    "vad.speech_within": lambda s: vad.speech_within(s, Span(0, len(s)), VadParameters()),
    "vad.quietest": lambda s: vad.quietest(s, 0, 16_000),
    "full_scale.FullScale.add": lambda s: full_scale.FullScale().add(s),
    "duplicated_samples.resampled_properly": duplicated_samples.resampled_properly,
    "loudness.levels_of": loudness.levels_of,
    "hearing.probabilities": lambda s: list(hearing.probabilities(s, VadParameters())),
    "silero.probabilities": lambda s: silero.probabilities(s, 1.0, 2.0),
    "windows.make_windows": lambda s: list(windows.make_windows(s, [Span(0, len(s))])),
    "hearing.HeardRecording.__init__": lambda s: list(hearing.HeardRecording(s, VadParameters())),
    "hum.without_hum": lambda s: hum.without_hum(s, 0, len(s)),
    "silero.blocks_of": lambda s: list(silero.blocks_of(s, [1.0, 2.0])),
    "disk.DiskLine.add": lambda s: disk.DiskLine(disk.Disk(10**9)).add(0, s),
    "features.Features.of": MEL.of,
    "fingerprint.of": fingerprint.of,
    "partial_detection.detect": lambda s: partial_detection.detect(s, LiveFields(), guess=True),
    "Window.cut_from": Window((Span(0, 16_000),)).cut_from,
    "preparation.record": _recorded,
    "timeline.Line.add": lambda s: timeline.Line().add(0, s),
    "buffer.AudioBuffer.feed": lambda s: AudioBuffer(8000).feed(s, is_last=True),
    "utterances.UtteranceTracker.feed": lambda s: UtteranceTracker(SETTINGS, 0).feed(s),
    "samples.wav_bytes": lambda s: live_samples.wav_bytes(s, 8000),
    "call_file.Call": lambda s: list(call_file.Call(8000, s.reshape(-1, 2)).__dict__),
}
HEARS_INT16 = {"timeline", "disk", "buffer", "utterances", "samples", "call_file"}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_given_is_as_it_was(name: str) -> None:
    spoken = np.concatenate([silence(1), clip_samples(), silence(1)])
    samples = spoken[: len(spoken) // 512 * 512]  # whole frames: the detector gets no padded copy
    if name.partition(".")[0] not in HEARS_INT16:
        samples = (samples / 32768).astype(np.float32)
    before = samples.copy()
    CALLS[name](samples)
    assert np.array_equal(samples, before)
    samples.flags.writeable = False
    CALLS[name](samples)


def test_every_function_that_takes_samples_is_called_here() -> None:
    missing = {name for name in _takers() if name not in CALLS}
    assert missing == {
        # They keep the array, and nothing else; echo and buzz are removed in copies.
        "preparation.Recording.__init__",
        "call_file.Call.__init__",
        "decode.Audio.__init__",
        "echoes.WithoutEcho.__init__",
        "hearing._Detector.__init__",
        "hum.WithoutBuzz.__init__",
    }


def _takers() -> Iterator[str]:
    audio = whisper_endpoint.audio
    ours = (audio, audio.speech, whisper_endpoint.ingress, live_whisper.audio, whisper_stream.audio)
    for package in ours:
        for one in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield from _takers_of(importlib.import_module(one.name))


def _takers_of(module: ModuleType) -> Iterator[str]:
    here = module.__name__.rpartition(".")[2]
    own = {k: v for k, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__}
    for name, thing in own.items():
        for inner, function in _functions(name, thing):
            is_public = inner.endswith("__init__") or not any(
                part.startswith("_") for part in inner.split(".")
            )
            if is_public and "samples" in inspect.signature(function).parameters:
                yield f"{here}.{inner}"


def _functions(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    if inspect.isfunction(thing):
        yield name, thing
    elif inspect.isclass(thing) and not getattr(thing, "_is_protocol", False):
        for inner, function in vars(thing).items():
            if inspect.isfunction(function):
                yield f"{name}.{inner}", function
