# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``Custom::WhisperModelArchive``: program, wheels and weights in S3."""
