# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the processes of one Ray cluster share: keys in its control store, and who runs."""

from typing import Any

import ray
from ray.experimental import internal_kv

_kv: Any = internal_kv  # has no types

_NAMESPACE = b"whisper_endpoint"

ENGINE_STARTS = "engine-start/"
"""One key for each start of an engine."""

FIRST_ANSWER = "first-answer/"
"""One key, once a first request has been answered."""


class RayStore:
    """Keys in Ray's own store, which lives as long as the container; needs Ray connected.

    Parameters
    ----------
    prefix : str
        What these keys, and no others, begin with.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.encode()

    def add(self, key: str) -> None:
        """Add a key."""
        _kv._internal_kv_put(self._prefix + key.encode(), b"", namespace=_NAMESPACE)

    def remove(self, key: str) -> None:
        """Remove a key."""
        _kv._internal_kv_del(self._prefix + key.encode(), namespace=_NAMESPACE)

    def keys(self) -> list[str]:
        """Return all keys."""
        found: list[bytes] = _kv._internal_kv_list(self._prefix, namespace=_NAMESPACE)
        return [key.removeprefix(self._prefix).decode() for key in found]


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
