# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint program: from the bytes of a request to a transcript.

The path of a request: ``proxy`` -> ``ingress.handler`` -> ``parsing`` -> ``ingress.plan`` ->
``audio`` -> ``ingress.preparation`` and ``ingress.long_recordings`` -> ``messages`` ->
``engine.service`` -> ``engine.scheduler`` -> ``engine.worker`` -> ``engine.decoder`` ->
``transcript`` -> ``ingress.answers``.
"""
