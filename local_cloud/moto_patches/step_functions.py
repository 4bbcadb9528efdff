# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""State machines: executing them, and their tasks' calls."""

import datetime
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import moto.awslambda.models
import moto.backends
import moto.events.models
import moto.s3.notifications
import moto.sns.models
import moto.sqs.models
import moto.stepfunctions.parser.backend.execution_worker
import moto.stepfunctions.parser.models
import moto.stepfunctions.responses
from moto.core.config import default_user_config
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
    resource_eval_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_unsupported as unsupported,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped

from local_cloud import ACCOUNT_ID, REGION
from local_cloud.moto_patches.parts import Cloud


def state_machines_run(_: Cloud) -> Any:
    """Execute state machines: moto only does so on request."""
    return patch.dict(default_user_config, {"stepfunctions": {"execute_state_machine": True}})


@contextmanager
def tasks_call_this_cloud(cloud: Cloud) -> Iterator[None]:
    """Let tasks share our clients: moto creates one per call, for its own address."""

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:  # noqa: ARG001
        return cloud.clients(
            service,
            parameter_validation=False,
            retries={"max_attempts": 0},
            read_timeout=_TASK_SECONDS,
        )

    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("moto.stepfunctions.") and hasattr(module, "boto_client_for"):
                stack.enter_context(patch.object(module, "boto_client_for", client_for))
        yield


def executions_need_no_name(_: Cloud) -> Any:
    """Name unnamed executions: moto takes the second for the first."""
    kind = moto.stepfunctions.parser.models.StepFunctionsParserBackend
    start_execution = kind.start_execution

    def start(backend: Any, arn: str, name: str | None = None, *more: Any, **named: Any) -> Any:
        return start_execution(backend, arn, name or str(uuid.uuid4()), *more, **named)

    return patch.object(kind, "start_execution", start)


def tasks_fail_with_their_cause(_: Cloud) -> Any:
    """Keep the cause of SendTaskFailure: moto drops it."""

    def send_task_failure(response: Any) -> Any:
        token, error, cause = (response._get_param(key) for key in ("taskToken", "error", "cause"))
        response.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
        return EmptyResult()

    kind = moto.stepfunctions.responses.StepFunctionResponse
    return patch.object(kind, "send_task_failure", send_task_failure)


def executions_stop_with_their_cause(_: Cloud) -> Any:
    """Keep error and cause of StopExecution: moto drops them."""

    def stop_execution(response: Any) -> Any:
        backend = response.stepfunction_backend
        execution = backend.describe_execution(response._get_param("executionArn"))
        at = datetime.datetime.now(datetime.UTC)
        if execution.status == "RUNNING":
            error, cause = response._get_param("error"), response._get_param("cause")
            execution.stop(stop_date=at, error=error, cause=cause)
            execution.error, execution.cause = error, cause
        return ActionResult({"stopDate": execution.stop_date or at})

    kind = moto.stepfunctions.responses.StepFunctionResponse
    return patch.object(kind, "stop_execution", stop_execution)


def executions_stop_before_they_run(_: Cloud) -> Any:
    """Let StopExecution wait for the execution's thread: moto fails before it has started."""
    kind = moto.stepfunctions.parser.backend.execution_worker.ExecutionWorker
    stop = kind.stop

    def stop_when_begun(worker: Any, *arguments: Any, **named: Any) -> None:
        give_up = time.monotonic() + _BEGIN_SECONDS
        while worker.env is None or worker.env.program_state() is None:
            if time.monotonic() > give_up:
                raise TimeoutError("the execution has not begun")
            time.sleep(0.01)
        stop(worker, *arguments, **named)

    return patch.object(kind, "stop", stop_when_begun)


@contextmanager
def executions_end_while_they_wait(_: Cloud) -> Iterator[None]:
    """Wake waiting tasks when their execution is stopped: moto lets them wait on."""
    set_stop, set_error = Environment.set_stop, Environment.set_error

    def stop_and_wake(env: Environment, *given: Any, **named: Any) -> None:
        set_stop(env, *given, **named)
        for callback in list(env.callback_pool_manager._pool.values()):
            callback.interrupt_all()

    def fail_unless_stopped(env: Environment, *given: Any, **named: Any) -> None:
        # The woken task reports a time-out.
        if not isinstance(env._program_state, ProgramStopped):
            set_error(env, *given, **named)

    with (
        patch.object(Environment, "set_stop", stop_and_wake),
        patch.object(Environment, "set_error", fail_unless_stopped),
    ):
        yield


@contextmanager
def executions_start_others(cloud: Cloud) -> Iterator[None]:
    """Convert parameters and results of tasks that start executions between ASL and the API."""
    kind = state_task_service_sfn.StateTaskServiceSfn
    normalise = kind._normalise_parameters

    def operation(task: Any, action: str | None) -> Any:
        client = cloud.clients("stepfunctions")
        name = client.meta.method_to_api_mapping[action or task._get_boto_service_action()]
        return client.meta.service_model.operation_model(name)

    def as_parameters(
        task: Any, parameters: Any, service: str | None = None, action: str | None = None
    ) -> None:
        normalise(task, parameters, service, action)
        task._to_boto_request(parameters, operation(task, action).input_shape)

    def as_states_say(
        task: Any,
        response: Any,
        boto_service_name: str | None = None,  # noqa: ARG001 - the interpreter's call
        service_action_name: str | None = None,
    ) -> None:
        task._from_boto_response(response, operation(task, service_action_name).output_shape)
        for name, value in response.items():
            if isinstance(value, datetime.datetime):
                response[name] = int(value.timestamp() * 1000)

    with (
        patch.object(kind, "_normalise_parameters", as_parameters),
        patch.object(kind, "_normalise_response", as_states_say),
    ):
        yield


def maps_take_every_object_of_a_prefix(cloud: Cloud) -> Any:
    """List all pages of a prefix, even if empty: moto reads one page, which must not be empty."""

    def listed(env: Any, *_: Any) -> None:
        pages = cloud.clients("s3").get_paginator("list_objects_v2").paginate(**env.stack.pop())
        found = [item for page in pages for item in page.get("Contents", ())]
        env.stack.append(found)

    return patch.object(
        resource_eval_s3.ResourceEvalS3, "_handle_list_objects_v2", staticmethod(listed)
    )


def services_that_are_not_here_fail_their_task(_: Cloud) -> Any:
    """Fail tasks of missing services with a service error: moto ends the execution."""

    def refuse(task: Any, env: Any, **_: Any) -> None:
        error = f"{task.resource.service_name}.NotImplementedException"
        details = TaskFailedEventDetails(
            resource=task._get_sfn_resource(),
            resourceType=task._get_sfn_resource_type(),
            error=error,
            cause=f"The local cloud has no {task.resource.service_name}",
        )
        raise FailureEventException(
            FailureEvent(
                env=env,
                error_name=CustomErrorName(error),
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),
            )
        )

    return patch.multiple(
        unsupported.StateTaskServiceUnsupported,
        _assert_integration_pattern_is_supported=lambda task: None,  # noqa: ARG005
        _eval_service_task=refuse,
    )


def stop_executions() -> None:
    """Stop running executions, so that their threads end."""
    for execution in _state_machines()._get_executions("RUNNING"):
        execution.stop(stop_date=datetime.datetime.now(datetime.UTC), error=None, cause=None)


def forget_state_machines() -> None:
    """Empty the interpreter's backend, which resetting Step Functions does not."""
    _state_machines().reset()


def _state_machines() -> Any:
    return moto.stepfunctions.parser.models.stepfunctions_parser_backends[ACCOUNT_ID][REGION]


_TASK_SECONDS = 910
"""Longer than a function may take."""

_BEGIN_SECONDS = 10
"""Threads start within milliseconds; the limit is for unreadable definitions."""
