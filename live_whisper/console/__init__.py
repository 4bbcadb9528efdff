# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The web console: transcribe recordings, whole or as live calls."""
