# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Calls put together from real voices, and how well a transcript of one fits what was said."""
