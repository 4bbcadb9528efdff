# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decoding times for a replay: independent of the machine it runs on.

Measured with base in int8 on one thread of an idle core, CTranslate2 4.8.5; the table is in
``docs/measurements/2026-11-29-live-base.md``.
"""

from collections.abc import Sequence

from whisper_endpoint.audio.features import FRAMES_PER_SECOND
from whisper_endpoint.engine.jobs import DecodeTask
from whisper_endpoint.engine.observer import BatchReport

_ENCODE_S = {10: 0.11, 15: 0.26, 20: 0.46, 30: 1.24}
_GREEDY_TOKEN_S = {10: 0.0065, 15: 0.0095, 20: 0.0100, 30: 0.0150}
_BEAM_TOKEN_S = {10: 0.0140, 15: 0.0145, 20: 0.0156, 30: 0.0200}
_ALIGN_S = {10: 0.06, 15: 0.09, 20: 0.09, 30: 0.17}
_BESIDE_S = 0.02
"""Speech detection and features, per window."""
_MARKS = 2
"""Non-text tokens per window."""


def seconds(tasks: Sequence[DecodeTask], report: BatchReport) -> float:
    """Return the single-core seconds of decoding a batch of windows."""
    length = min(one for one in _ENCODE_S if one * FRAMES_PER_SECOND >= tasks[0].frames)
    token_s = _BEAM_TOKEN_S if tasks[0].search.beam_size > 1 else _GREEDY_TOKEN_S
    known = sum(len(task.begins_with) for task in tasks)
    tokens = max(1, report.tokens - known + _MARKS * len(tasks))
    each = _ENCODE_S[length] + _BESIDE_S
    if any(task.job.parameters.word_timestamps for task in tasks):
        each += _ALIGN_S[length]
    return len(tasks) * each + tokens * token_s[length]
