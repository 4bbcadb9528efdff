# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The benchmark: this endpoint next to ``WhisperModel.transcribe`` behind a lock.

Run ``make bench``, or ``python -m benchmarks.bench --help`` for parts of it. See
``docs/performance.md`` for what is measured and how to read it.
"""

import os

# As in Ray's processes: numpy's threads would compete with CTranslate2's, which each variant sets.
# The same for all variants, including the baselines.
os.environ.setdefault("OMP_NUM_THREADS", "1")
