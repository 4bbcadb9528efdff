# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Keep moto from loading unused modules: import this before its state machines.

Their AWS Batch tasks load EC2's catalogue of instance types, half of moto's start-up (2.5 CPU
seconds and 60 MB). Without it, such a task fails like that of any service missing here.
"""

import importlib
import sys
from types import ModuleType

_SERVICES = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service"

_batch = ModuleType(f"{_SERVICES}.state_task_service_batch")
sys.modules[_batch.__name__] = _batch
_unsupported = importlib.import_module(f"{_SERVICES}.state_task_service_unsupported")
_batch.StateTaskServiceBatch = _unsupported.StateTaskServiceUnsupported  # type: ignore[attr-defined]
