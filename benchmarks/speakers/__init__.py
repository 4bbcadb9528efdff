# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measure diarization, on recordings composed of real voices with known turns."""
