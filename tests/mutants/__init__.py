# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Mutation tests: lines that decide something are changed, one at a time; a test has to fail."""
