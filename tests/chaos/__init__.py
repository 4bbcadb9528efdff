# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Random stack lifecycles in which any call may fail and any invocation may be killed."""
