# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What `vad` is made of: the level at which the detector hears best, the detector, its spans."""
