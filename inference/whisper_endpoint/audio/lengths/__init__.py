# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Checks whether a file is as long as it declares, and whether it was cut off."""
