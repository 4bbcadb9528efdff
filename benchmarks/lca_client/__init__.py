# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Live Call Analytics' own way of transcribing a call: equipment for comparison.

Demonstration, benchmarks and tests measure the endpoint with it. The client imports nothing of it.
"""
