# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The benchmark: this endpoint next to ``WhisperModel.transcribe`` behind a lock.

``make bench``, or ``python -m benchmarks.bench --help`` for parts of it. What is measured and how
to read it is in ``docs/performance.md``.
"""

import os

# As Ray gives its processes: threads of numpy's own would get in the way of CTranslate2's, which
# are set for each variant. All variants have it so, the baselines too.
os.environ.setdefault("OMP_NUM_THREADS", "1")
