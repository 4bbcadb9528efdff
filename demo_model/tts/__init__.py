# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Synthetic call-centre speech: sentences, voices and telephone line."""
