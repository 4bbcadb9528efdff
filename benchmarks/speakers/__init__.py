# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How well speakers are told apart, on recordings made of real voices whose turns are known."""
