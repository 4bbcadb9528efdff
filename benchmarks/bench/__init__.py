# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The benchmark: this endpoint beside ``WhisperModel.transcribe`` behind a lock.

``make bench``, or ``python -m benchmarks.bench --help`` for parts of it. What is measured and how
to read it is in ``docs/performance.md``.
"""

import os
import sys

from scripts.publish.build import ROOT

# As Ray gives its processes: threads of numpy's own would get in the way of CTranslate2's, which
# are set for each variant. All variants have it so, the baselines too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The endpoint's program is found where its container finds it: beside its deployment.py.
sys.path.append(str(ROOT / "inference"))
