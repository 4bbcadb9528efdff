# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SageMaker: models, endpoints with states, and their containers."""
