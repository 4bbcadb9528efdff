# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Reuse the client tests' sample call and stand-in for SageMaker Runtime."""

from tests.unit.live.conftest import dead_url, runtime, sample_call, speech

__all__ = ["dead_url", "runtime", "sample_call", "speech"]
