# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SageMaker models, endpoint configs and endpoints, found by deterministic name and by our tag."""
