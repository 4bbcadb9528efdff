# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint program: turns the bytes of a request into a transcript.

The path of a request: ``proxy`` -> ``ingress.handler`` -> ``parsing`` -> ``ingress.planning``
-> ``audio`` -> ``ingress.preparation`` and ``ingress.long_recordings`` -> ``messages`` ->
``engine.service`` -> ``engine.scheduler`` -> ``engine.worker`` -> ``engine.decoder`` ->
``transcript`` -> ``ingress.answers``.
"""
