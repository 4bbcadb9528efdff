# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Interface between SageMaker's control plane and the container host."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Health(Enum):
    """State of a container, as SageMaker sees it."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Container:
    """What one variant runs; `name` is endpoint and config, unique among running containers.

    The health check may fail for `startup_seconds` before the endpoint fails.
    """

    name: str
    model_data_uri: str
    environment: dict[str, str]
    startup_seconds: int


class Hosting(Protocol):
    """Runs containers. Every method but the last returns at once."""

    def start(self, container: Container) -> None:
        """Start a container."""

    def health(self, container: Container) -> tuple[Health, str]:
        """Return the container's health, and the reason if it failed."""

    def address(self, container: Container) -> str:
        """Return the container's address, such as ``http://127.0.0.1:8000``."""

    def stop(self, container: Container) -> None:
        """Stop a container; no error if it never ran."""

    def is_stopped(self, container: Container) -> bool:
        """Return whether a stopping container has ended, with all its processes."""

    def close(self) -> None:
        """Stop every container, and wait."""
