# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The speech engine: queues, batches and decodes the windows of all requests."""
