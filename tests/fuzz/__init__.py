# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fuzzing of what strangers' bytes reach first: the request parser and the audio decoder."""
