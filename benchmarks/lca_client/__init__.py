# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Live Call Analytics' own way of transcribing a call, for comparison.

Used by the demo, benchmarks and tests; the client imports nothing from it.
"""
