# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint program: from the bytes of a request to a transcript.

Read it in the way of a request: ``request`` -> ``sources`` -> ``audio`` -> ``speech`` ->
``windows`` -> ``features`` (these run in the ingress, strung together in ``preparation``, and
long recordings go on in ``pieces``) -> ``work`` -> ``scheduler`` -> ``engine`` -> ``turns`` and
``gates`` -> ``words`` (in the engine) -> ``transcript`` -> ``response``.
"""
