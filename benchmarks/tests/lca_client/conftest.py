# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The sample call and the stand-in for SageMaker Runtime are those of the client's tests."""

from tests.unit.live.conftest import dead_url, runtime, sample_call, speech

__all__ = ["dead_url", "runtime", "sample_call", "speech"]
