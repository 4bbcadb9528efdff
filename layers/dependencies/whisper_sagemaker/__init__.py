# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SageMaker models, endpoint configs and endpoints, identified by deterministic names and a tag."""
