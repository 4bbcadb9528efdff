# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What moto would load that nothing here calls: import this module before its state machines.

Their tasks of AWS Batch bring EC2's catalogue of instance types, half of what moto takes to start
(2.5 CPU seconds and 60 MB). A state machine's task of AWS Batch fails as one of any service that
the local cloud lacks.
"""

import importlib
import sys
from types import ModuleType

_SERVICES = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service"

_batch = ModuleType(f"{_SERVICES}.state_task_service_batch")
sys.modules[_batch.__name__] = _batch
_unsupported = importlib.import_module(f"{_SERVICES}.state_task_service_unsupported")
_batch.StateTaskServiceBatch = _unsupported.StateTaskServiceUnsupported  # type: ignore[attr-defined]
