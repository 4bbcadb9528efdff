# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Number of engines that fit into a Ray cluster, and number of running ingress processes."""

from typing import Any

import ray

ENGINE_PLACE = "whisper_engine"
"""Custom Ray resource for nodes without a GPU: the number of engines to run there."""


def engine_replicas() -> int:
    """Return the number of engines: one per GPU, else one per ``ENGINE_PLACE``, else one."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return max(1, int(resources.get("GPU", 0.0) or resources.get(ENGINE_PLACE, 0.0)))


class IngressCount:
    """The number of running ingress processes.

    Attributes
    ----------
    known : int
        At the last look-up; 0 before the first.
    """

    def __init__(self) -> None:
        self.known = 0

    def look_up(self) -> int:
        """Ask Serve's controller; this blocks."""
        self.known = _running_ingresses()
        return self.known


def _running_ingresses() -> int:
    # Imported here: only Serve's proxy needs it.
    from ray.serve.context import _get_global_client  # noqa: PLC0415

    client: Any = _get_global_client(raise_if_no_controller_running=False)
    if client is None:
        return 0
    # The raw data of `serve.status`, which would validate it again: 20 ms of CPU time in which the
    # proxy is blocked.
    deployments = client.get_serve_details()["applications"].get("api", {}).get("deployments", {})
    replicas = deployments.get("Ingress", {}).get("replicas", ())
    return sum(one["state"] == "RUNNING" for one in replicas)
