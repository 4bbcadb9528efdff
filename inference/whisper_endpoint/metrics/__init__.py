# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint's metrics, and the log lines from which CloudWatch reads them."""
