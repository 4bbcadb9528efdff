# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Recorded calls: reading files, and playing them like a telephone line."""
