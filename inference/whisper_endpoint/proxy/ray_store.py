# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Keys in a Ray cluster's control store, shared by its processes."""

from typing import Any

from ray.experimental import internal_kv

_kv: Any = internal_kv  # has no types

_NAMESPACE = b"whisper_endpoint"

ENGINE_STARTS = "engine-start/"
"""One key for each start of an engine."""

FIRST_ANSWER = "first-answer/"
"""One key, set once a first request has been answered."""


class RayStore:
    """Keys in Ray's own store, which lives as long as the container. Ray must be connected.

    Parameters
    ----------
    prefix : str
        Prefix of these keys and no others.
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
