# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The HTTP API: three dialects for the same jobs, served by one function behind API Gateway."""
