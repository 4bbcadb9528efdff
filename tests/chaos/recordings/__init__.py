# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Random lives of recordings: the real state machine and functions on in-memory services."""
