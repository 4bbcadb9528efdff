# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Random lives of stacks in which any call fails and any invocation is killed."""
