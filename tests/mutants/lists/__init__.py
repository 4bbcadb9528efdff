# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The faults that are planted, by the product and the process that they are in."""

from tests.mutants.lists import audio, deployment, engine, live, local, requests, serving
from tests.mutants.mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *requests.MUTATIONS,
    *audio.MUTATIONS,
    *engine.MUTATIONS,
    *serving.MUTATIONS,
    *live.MUTATIONS,
    *deployment.MUTATIONS,
    *local.MUTATIONS,
)
"""All of them."""
