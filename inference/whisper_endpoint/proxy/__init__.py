# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Middlewares of Serve's HTTP proxy: readiness, health, request bodies, realtime sessions."""
