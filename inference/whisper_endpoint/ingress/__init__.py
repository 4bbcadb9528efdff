# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The CPU replicas: read a request, prepare its audio, call the engine, write the response."""
