# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Patches for moto where it lacks a feature or differs from AWS.

Each patch is a function named for its effect. A test of the same name asserts moto's behaviour
without it: when that test fails, moto has caught up and the patch can go.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from local_cloud.moto_patches import left_out  # noqa: F401 - before anything that would load it

# isort: split
from local_cloud.moto_patches import aws_lambda, dynamodb, events, step_functions
from local_cloud.moto_patches.parts import Cloud


@contextmanager
def patched(cloud: Cloud) -> Iterator[None]:
    """Patch moto within the block."""
    with ExitStack() as stack:
        for make in PATCHES:
            stack.enter_context(make(cloud))
        yield


PATCHES: tuple[Callable[[Cloud], Any], ...] = (
    aws_lambda.functions_run_their_code,
    aws_lambda.events_are_answered_before_they_are_handled,
    events.topics_call_functions_with_the_message,
    events.queues_are_left_to_the_poller,
    events.uploads_are_told_as_s3_tells_them,
    events.buckets_say_that_they_tell_eventbridge,
    events.executions_that_end_are_told,
    events.rules_call_functions_and_state_machines,
    step_functions.state_machines_run,
    step_functions.tasks_call_this_cloud,
    step_functions.executions_need_no_name,
    step_functions.tasks_fail_with_their_cause,
    step_functions.executions_stop_with_their_cause,
    step_functions.executions_stop_before_they_run,
    step_functions.executions_end_while_they_wait,
    step_functions.executions_start_others,
    step_functions.maps_take_every_object_of_a_prefix,
    aws_lambda.functions_fail_as_unhandled,
    dynamodb.items_are_read_whole,
    step_functions.services_that_are_not_here_fail_their_task,
)
