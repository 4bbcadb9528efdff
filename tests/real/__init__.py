# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Real Whisper on calls of real voices, beside faster-whisper with the same weights."""
