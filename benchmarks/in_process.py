# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Transcribe an utterance with the endpoint's preparation and engine, without the queue."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_calls.prompts import SAMPLE_RATE
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.features import Features
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job, Scheduling
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters, Priority
from whisper_endpoint.transcript import Segment

_LONGEST_S = 60.0


def transcribe(
    engine: WhisperEngine,
    samples: NDArray[np.int16],
    how: Parameters,
    priority: Priority = Priority.FINAL,
) -> tuple[Segment, ...]:
    """Transcribe 8 kHz samples; `how` is used unchanged, even for a partial."""
    pcm = samples.astype("<i2").tobytes()
    audio = decode(pcm, Limits(seconds=_LONGEST_S), RawForm("pcm16", SAMPLE_RATE))
    windows = record(audio, Features(engine.facts.n_mels), how).whole().windows
    if not windows:
        return ()
    job = Job(windows, how, float("inf"), Scheduling(priority=priority, utterance="one"))
    return tuple(segment for result in engine.transcribe(job) for segment in result.segments)
