# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measurements: speed, memory, accuracy and cost; run one as ``python -m benchmarks.<name>``."""

import sys

from scripts.publish.build import ROOT

# The endpoint's program is found where its container finds it, next to its deployment.py, and the
# deployment function's where Lambda does, in its layer.
sys.path += [str(ROOT / "inference"), str(ROOT / "layers" / "dependencies")]
