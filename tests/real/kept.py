# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""faster-whisper's transcripts, kept from one run to the next (not with `--cache-clear`).

They change with faster-whisper, what it runs on, its weights and the audio, of which the names of
the files are made: no change here can change them.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_calls import transcripts
from benchmarks.real_calls.transcripts import HeardCall, HeardSegment, HeardWord

RUNS_ON = ("faster-whisper", "ctranslate2", "onnxruntime", "tokenizers", "numpy")


def model_key(weights: Path) -> str:
    """Return what a transcript depends on besides its audio, in a few digits."""
    parts = [f"{name} {version(name)}".encode() for name in RUNS_ON]
    parts += [path.read_bytes() for path in sorted(weights.iterdir()) if path.is_file()]
    # Integers are added up in another order by another kind of processor.
    cpu = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    parts += [line.encode() for line in cpu if line.startswith(("model name", "flags"))]
    parts.append(Path(transcripts.__file__).read_bytes())
    return _digest(parts)


def transcript(
    folder: Path | None,
    key: str,
    channels: list[NDArray[np.float32]],
    transcribe: Callable[[], HeardCall],
) -> HeardCall:
    """Return what is kept of these channels, or transcribe and keep it; no folder keeps none."""
    if folder is None:
        return transcribe()
    path = folder / f"{_digest([key.encode(), *(one.tobytes() for one in channels)])}.json"
    if path.exists():
        return _read(json.loads(path.read_text(encoding="utf-8")))
    made = transcribe()
    # Another checkout's tests may be at the same.
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(asdict(made)), encoding="utf-8")
    unfinished.replace(path)
    return made


def _read(document: dict[str, object]) -> HeardCall:
    segments = []
    for row in document["segments"]:  # type: ignore[attr-defined]
        words = tuple(HeardWord(*word) for word in row.pop("words"))
        segments.append(HeardSegment(**row, words=words))
    return HeardCall(tuple(segments), str(document["text"]), str(document["language"]))


def _digest(parts: list[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:32]
