# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Word times as the endpoint gives them, without a server."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from scripts.publish.build import ROOT

# The endpoint's program is found where its container finds it: beside its deployment.py.
sys.path.append(str(ROOT / "inference"))

from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters
from whisper_endpoint.settings import EndpointSettings

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class EndpointWords:
    """The endpoint's preparation and engine.

    Parameters
    ----------
    folder : Path
        A model folder.
    """

    def __init__(self, folder: Path) -> None:
        self._engine = WhisperEngine.load(folder, "cpu", EndpointSettings())
        self._features = Features(self._engine.facts.n_mels)

    def of(self, samples: NDArray[np.float32], language: str) -> list[tuple[str, float]]:
        """Return the words in samples (16 kHz, in [-1, 1]) and the seconds at which they start."""
        how = Parameters(language=language, word_timestamps=True)
        recording = record(Audio(samples), self._features, how).whole()
        results = self._engine.transcribe(Job(recording.windows, how, math.inf))
        return [
            (word.word.strip(), word.start)
            for result in results
            for segment in result.segments
            for word in segment.words or ()
        ]
