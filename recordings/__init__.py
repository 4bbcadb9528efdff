# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Recordings: jobs from an upload to transcripts, in Lambda functions and a state machine."""
