# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The live-call client: two channels of telephone speech in, utterances with times and text out."""
