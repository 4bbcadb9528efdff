# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CloudFormation: ordered stack operations, with replacement and rollback."""
