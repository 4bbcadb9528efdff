# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``Custom::WhisperModelDeployment``: the model, its endpoint and their updates."""
