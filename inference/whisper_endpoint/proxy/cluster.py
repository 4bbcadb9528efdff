# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How many engines a Ray cluster has room for, and how many ingress processes it runs."""

from typing import Any

import ray

ENGINE_PLACE = "whisper_engine"
"""A resource that an operator gives to nodes without a GPU: each of it is a place for an engine."""


def engine_replicas() -> int:
    """Return how many engines run at once: one per GPU, one per place for it, or one in all."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return max(1, int(resources.get("GPU", 0.0) or resources.get(ENGINE_PLACE, 0.0)))


def running_ingresses() -> int:
    """Return how many ingress processes take requests, as Serve's controller knows."""
    # Serve's proxy has it; what else imports this module need not.
    from ray.serve.context import _get_global_client  # noqa: PLC0415

    client: Any = _get_global_client(raise_if_no_controller_running=False)
    if client is None:
        return 0
    # What `serve.status` is made of. It checks all of that again: for 20 ms of a core, in which the
    # proxy answers nobody.
    deployments = client.get_serve_details()["applications"].get("api", {}).get("deployments", {})
    replicas = deployments.get("Ingress", {}).get("replicas", ())
    return sum(one["state"] == "RUNNING" for one in replicas)
