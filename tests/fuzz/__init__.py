# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fuzzing of code that handles untrusted bytes first: the request parser and audio decoder."""
