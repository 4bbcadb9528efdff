# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Speaker diarization of one channel: who speaks when, and who says which word."""
