# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the processes of one Ray cluster know together: keys in its control store."""

from typing import Any

import ray
from ray.experimental import internal_kv

_kv: Any = internal_kv  # has no types

_NAMESPACE = b"whisper_endpoint"
_PREFIX = b"engine-start/"


class RayStore:
    """Keys in Ray's own store, which lives as long as the container; needs Ray connected."""

    def add(self, key: str) -> None:
        """Add a key."""
        _kv._internal_kv_put(_PREFIX + key.encode(), b"", namespace=_NAMESPACE)

    def remove(self, key: str) -> None:
        """Remove a key."""
        _kv._internal_kv_del(_PREFIX + key.encode(), namespace=_NAMESPACE)

    def keys(self) -> list[str]:
        """Return all keys."""
        found: list[bytes] = _kv._internal_kv_list(_PREFIX, namespace=_NAMESPACE)
        return [key.removeprefix(_PREFIX).decode() for key in found]


def engine_replicas() -> int:
    """Return how many engines run at once: one per GPU, or one on the CPU."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return max(1, int(resources.get("GPU", 0.0)))
