# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What live audio over WebSockets costs: idle sessions, and calls beside calls by requests."""
