# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Builds and publishes the stack: standard library only, on Python 3.8 or newer."""
