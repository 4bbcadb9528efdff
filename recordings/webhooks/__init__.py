# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Webhooks about ended jobs: targets, signatures and delivery."""
