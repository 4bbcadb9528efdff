# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A page on which recordings are transcribed, whole or as live calls."""
