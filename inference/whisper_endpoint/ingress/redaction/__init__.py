# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Removes numbers and e-mail addresses that callers say from the response."""
