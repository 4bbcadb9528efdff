# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Silero's voice activity detector: the probability of speech every 32 ms.

``silero_vad.onnx`` is ``silero_vad_16k_sequence.onnx`` of the wheel silero-vad 6.2.3 on PyPI,
unchanged: sha256 9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85. Its licence is
MIT, in ``silero_vad.LICENSE``. The wheel itself would require PyTorch.
"""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from whisper_endpoint.audio.speech.hum import without_hum
from whisper_endpoint.messages import Samples, Span

FRAME_SAMPLES = 512
"""Samples per probability, at 16 kHz."""

# Each frame is preceded by the end of the one before it.
_CONTEXT_SAMPLES = 64
# About 16 s are in memory at once; the detector's state is carried from block to block.
_BLOCK_FRAMES = 512
_STATE_SHAPE = (1, 1, 128)


def probabilities(samples: Samples, *gains: float) -> NDArray[np.float32]:
    """Return the probability of speech for each frame, the highest over the gains.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
    gains : float
        Factors applied first; the result is clipped to full scale.

    Returns
    -------
    ndarray, shape (ceil(n / 512),), float32 in [0, 1]
    """
    return np.concatenate([np.empty(0, np.float32), *blocks_of(samples, gains)])


def blocks_of(
    samples: Samples, gains: Sequence[float], span: Span | None = None
) -> Iterator[NDArray[np.float32]]:
    """Yield the probabilities of :func:`probabilities` in blocks of about 16 s.

    Parameters
    ----------
    span : Span, optional
        What to hear, as if nothing preceded it; by default the whole recording.
    """
    states = [(np.zeros(_STATE_SHAPE, np.float32),) * 2] * len(gains)
    block = _BLOCK_FRAMES * FRAME_SAMPLES
    first, last = span or Span(0, len(samples))
    for start in range(first, last, block):
        before = min(_CONTEXT_SAMPLES, start - first)
        frames = _framed(samples, Span(start, min(start + block, last)), before)
        heard = []
        for place, gain in enumerate(gains):
            raised = np.clip(frames * np.float32(gain), -1, 1)
            state, cell = states[place]
            values, *after = _session().run(None, {"input": raised, "h": state, "c": cell})
            states[place] = (after[0], after[1])
            heard.append(values.reshape(-1))
        yield np.maximum.reduce(heard)


def _framed(samples: Samples, span: Span, before: int) -> NDArray[np.float32]:
    """Return frames with their context, shape (frames, 576), padded with silence."""
    start, end = span
    frames = -(-(end - start) // FRAME_SAMPLES)
    heard = np.zeros(_CONTEXT_SAMPLES + frames * FRAME_SAMPLES, np.float32)
    part = heard[_CONTEXT_SAMPLES - before : _CONTEXT_SAMPLES + end - start]
    part[:] = without_hum(samples, start - before, end)
    size = _CONTEXT_SAMPLES + FRAME_SAMPLES
    return np.lib.stride_tricks.sliding_window_view(heard, size)[::FRAME_SAMPLES]


@functools.lru_cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One thread each: requests are processed concurrently.
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    model = Path(__file__).with_name("silero_vad.onnx")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
