# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Recordings: turn uploads into transcripts, with Lambda functions and a state machine."""
