# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How well an endpoint transcribes a folder of recordings: `make eval AUDIO=folder`."""
