# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""DynamoDB tables: concurrent requests."""

import threading
from typing import Any
from unittest.mock import patch

from moto.dynamodb.responses import DynamoHandler

from local_cloud.moto_patches.parts import Cloud


def items_are_read_whole(_: Cloud) -> Any:
    """Serialize requests: moto copies items while others write."""
    call_action = DynamoHandler.call_action
    lock = threading.RLock()

    def one_at_a_time(handler: DynamoHandler) -> Any:
        with lock:
            return call_action(handler)

    return patch.object(DynamoHandler, "call_action", one_at_a_time)
