# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""AWS on a laptop: moto, a CloudFormation that keeps order, and a SageMaker that runs endpoints."""

ACCOUNT_ID = "123456789012"
"""The only account; moto's default."""

REGION = "us-east-1"
"""The only Region."""
