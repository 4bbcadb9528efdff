# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Writes what is generated: the protobuf module and the pages' tables."""
