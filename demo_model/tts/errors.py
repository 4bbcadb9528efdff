# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Errors of the synthesisers."""

from scripts.publish.errors import CommandError


class SynthesiserMissing(CommandError):
    """A synthesiser is not installed; the message says how to install it."""


class SynthesisFailed(CommandError):
    """A synthesiser produced no sound for a sentence."""
