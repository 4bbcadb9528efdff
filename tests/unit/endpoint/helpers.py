# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Audio files and bodies for the endpoint's tests."""

import io
import json
import os
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import whisper_endpoint

SENTENCE = "hello this is john how can i help you today"
CLIP = (Path(whisper_endpoint.__file__).parent / "selftest.wav").read_bytes()
WEIGHTS = Path(__file__).resolve().parents[3] / "samples" / "model"


def clip_samples() -> NDArray[np.int16]:
    with wave.open(io.BytesIO(CLIP)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * 16_000), np.int16)


def wav(samples: NDArray[np.int16], rate: int = 16_000, channels: int = 1) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def hang_ups(usual: int) -> int:
    """How many callers hang up at once: HANG_UPS, where it is set."""
    return int(os.environ.get("HANG_UPS", usual))


def lca_body(audio: bytes = CLIP, **parameters: object) -> bytes:
    """The body that Live Call Analytics sends."""
    sent = {
        "language": "en",
        "task": "transcribe",
        "temperature": 0.0,
        "no_speech_threshold": 0.2,
        "beam_size": 5,
    }
    return json.dumps({"audio_input": list(audio), "parameters": sent | parameters}).encode()
