# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Judging one decoding attempt of a window, and choosing the next."""
