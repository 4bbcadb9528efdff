# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What SageMaker's control plane asks of a host of containers."""

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
    """What one variant is to run; `name` is endpoint and config, unique among all that run.

    The health check may fail for `startup_seconds` before the endpoint is given up.
    """

    name: str
    model_data_uri: str
    environment: dict[str, str]
    startup_seconds: int


class Hosting(Protocol):
    """Runs containers. Every method but the last returns at once."""

    def start(self, container: Container) -> None:
        """Begin to start a container."""

    def health(self, container: Container) -> tuple[Health, str]:
        """Return the container's health, and the reason where it failed."""

    def address(self, container: Container) -> str:
        """Return where the container takes requests, such as ``http://127.0.0.1:8000``."""

    def stop(self, container: Container) -> None:
        """Begin to stop a container; no error if it never ran."""

    def is_stopped(self, container: Container) -> bool:
        """Tell whether a container that was to stop has ended, with all its processes."""

    def close(self) -> None:
        """End every container, and return when they have ended."""
