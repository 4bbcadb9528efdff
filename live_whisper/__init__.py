# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Client for live calls: two channels of telephone speech in, timed transcripts out."""
