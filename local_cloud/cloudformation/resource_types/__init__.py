# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The resource types of our templates, one module per service.

Each resource is created through its service's public API in this same local cloud, so any client
finds it.
"""
