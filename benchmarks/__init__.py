# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measurements: speed, memory, accuracy and cost; run one as ``python -m benchmarks.<name>``."""
