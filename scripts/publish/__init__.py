# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Build and publish the stack, with only the standard library of Python 3.8 or newer."""
