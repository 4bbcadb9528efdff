# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The HTTP API: three dialects of the same jobs, behind one function of API Gateway."""
