# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m whisper_endpoint.speakers FOLDER THREADS``: diarize one recording and exit.

``processes.py`` describes the input and output.
"""

import json
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.speakers.diarization import SpeakerModels
from whisper_endpoint.speakers.turns import SpeakerCount

_SAMPLE_BYTES = 4


def main() -> int:
    """Read a recording from standard input and write its turns to standard output."""
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    source = sys.stdin.buffer
    asked = json.loads(source.readline())
    count = SpeakerCount(asked["least"], asked["most"])

    def read(samples: int) -> NDArray[np.float32]:
        return _read(source, samples)

    try:
        models = SpeakerModels(folder, threads)
        known = [models.voice(read(length)) for length in asked["known"]]
        found = models.diarize(read, asked["length"], count, known)
    except EOFError:
        return 1  # the caller has gone
    json.dump([found.turns, found.exclusive, found.alike], sys.stdout)
    return 0


def _read(source: BinaryIO, samples: int) -> NDArray[np.float32]:
    data = source.read(samples * _SAMPLE_BYTES)
    if len(data) < samples * _SAMPLE_BYTES:
        raise EOFError
    return np.frombuffer(data, "<f4")


if __name__ == "__main__":
    sys.exit(main())
