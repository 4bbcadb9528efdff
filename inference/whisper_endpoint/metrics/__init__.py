# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the endpoint counts, and the log lines from which CloudWatch reads it."""
