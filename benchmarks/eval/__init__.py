# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Evaluate an endpoint on a folder of recordings: `make eval AUDIO=folder`."""
