# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What patches need of the cloud, and what they have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_cloud.aws_lambda.function_process import FunctionAnswer


@dataclass(frozen=True)
class Cloud:
    """What patches need of the cloud.

    ``call`` runs one of moto's functions with an event and waits; ``queue`` has it run soon, with
    retries; ``clients`` returns a boto3 client by its service and its settings.
    """

    call: Callable[[Any, Any], FunctionAnswer]
    queue: Callable[[Any, Any], None]
    clients: Callable[..., Any]
