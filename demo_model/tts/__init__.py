# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Synthetic speech of a call centre: what is said, by which voice, over which line."""
