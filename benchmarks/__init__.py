# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Benchmarks of speed, memory, accuracy and cost; run one as ``python -m benchmarks.<name>``."""

import sys

from scripts.publish.build import ROOT

# Make the endpoint importable as in its container, and the deployment function's layer as in
# Lambda.
sys.path += [str(ROOT / "inference"), str(ROOT / "layers" / "dependencies")]
