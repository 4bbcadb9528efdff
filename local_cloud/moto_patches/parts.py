# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the patches need from the cloud."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_cloud.aws_lambda.function_process import FunctionAnswer


@dataclass(frozen=True)
class Cloud:
    """Callbacks into the cloud.

    ``call`` runs one of moto's functions with an event and waits; ``queue`` runs it later, with
    retries; ``clients`` returns a boto3 client by service name and settings.
    """

    call: Callable[[Any, Any], FunctionAnswer]
    queue: Callable[[Any, Any], None]
    clients: Callable[..., Any]
