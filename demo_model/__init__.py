# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The demonstration model: a small bilingual Whisper, trained here on synthetic speech."""
