# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Streaming transcription of audio channels: utterances, requests, stable words.

Shared by the live client and the endpoint. Nothing here waits, sends, or reads a clock.
"""
