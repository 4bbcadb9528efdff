# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decides what is done for a request: its parameters, and whether it is part of a live call."""
