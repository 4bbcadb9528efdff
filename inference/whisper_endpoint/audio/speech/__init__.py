# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Parts of `vad`: gain for the detector, the detector itself, and its spans."""
