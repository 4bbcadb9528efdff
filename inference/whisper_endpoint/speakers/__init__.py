# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Speakers in one channel of audio: who speaks when, and who says which word."""
