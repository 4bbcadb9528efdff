# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What runs in Serve's proxy: readiness, health, and a request's body."""
