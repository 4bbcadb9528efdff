# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The baseline: ``WhisperModel.transcribe`` behind a lock."""

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.bench.variants import Reply


class Locked:
    """``WhisperModel.transcribe``, N at a time, first come, first served.

    Bodies are parsed outside the lock, while the model handles another request.
    `workers`: 1 is a lock; more are faster-whisper's ``num_workers``, which share the cores.
    `is_batched`: use ``BatchedInferencePipeline``, which batches within one recording.
    `is_batched`: through ``BatchedInferencePipeline``, which batches what one recording says.
    """

    def __init__(self, weights: Path, workers: int = 1, *, is_batched: bool = False) -> None:
        threads = max(1, (os.cpu_count() or 1) // workers)
        # The endpoint's choice on a CPU, so that types do not differ.
        model = WhisperModel(
            str(weights),
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            num_workers=workers,
        )
        self._model: Any = BatchedInferencePipeline(model) if is_batched else model
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers)

    def answer(self, body: bytes) -> Reply:
        """Parse as LCA's handler does, wait for a free worker, transcribe."""
        document = json.loads(body)
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(bytes(document["audio_input"]))
            file.flush()
            done = self._threads.submit(self._transcribe, file.name, document["parameters"])
            return done.result()

    def abandon(self) -> None:
        """Cancel queued requests."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._threads = ThreadPoolExecutor(self._workers)

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _transcribe(self, path: str, parameters: dict[str, Any]) -> Reply:
        segments, _ = self._model.transcribe(
            path, vad_filter=True, condition_on_previous_text=False, **parameters
        )
        heard = list(segments)
        text = "".join(segment.text for segment in heard).strip()
        return Reply(sum(len(segment.tokens) for segment in heard), text)
