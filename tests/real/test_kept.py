# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What faster-whisper heard is kept as it was, and for the same audio and model alone."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.real_calls.transcripts import HeardCall, HeardSegment, HeardWord
from tests.real import kept

AUDIO = [np.linspace(-1, 1, 100, dtype=np.float32), np.zeros(100, np.float32)]
WORDS = (HeardWord(0.1, 0.30000000000000004, " ça"), HeardWord(0.5, 0.9, " va"))
HEARD = HeardCall((HeardSegment(1, 0.1, 0.9, " ça va", WORDS),), "ça va", "fr")


def test_a_transcript_is_made_once_and_read_as_it_was(tmp_path: Path) -> None:
    made: list[int] = []

    def transcribe() -> HeardCall:
        made.append(1)
        return HEARD

    for _ in range(2):
        assert kept.transcript(tmp_path, "model", AUDIO, transcribe) == HEARD
    assert len(made) == 1
    for folder, key, audio in (
        (tmp_path, "other model", AUDIO),
        (tmp_path, "model", AUDIO[::-1]),
        (None, "model", AUDIO),
        (None, "model", AUDIO),
    ):
        assert kept.transcript(folder, key, audio, transcribe) == HEARD
    assert len(made) == 5


def test_other_weights_and_other_packages_are_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    keys = [kept.model_key(tmp_path), kept.model_key(tmp_path)]
    (tmp_path / "model.bin").write_bytes(b"others")
    keys.append(kept.model_key(tmp_path))
    monkeypatch.setattr(kept, "version", lambda _: "0")
    keys.append(kept.model_key(tmp_path))
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
