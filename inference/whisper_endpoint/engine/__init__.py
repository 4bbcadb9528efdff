# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What runs next to the GPU: windows of all requests are queued, batched and decoded."""
