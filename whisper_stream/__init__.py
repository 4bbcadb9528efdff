# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A channel of audio as it comes: utterances, what is asked for them, words that stay.

Live client and endpoint share it. Nothing here waits, sends, or reads a clock.
"""
