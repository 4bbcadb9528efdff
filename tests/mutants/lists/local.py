# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Faults that would make the local cloud kinder than AWS."""

from tests.mutants.mutation import Mutation

_AT = "local_cloud"
_TESTS = "tests/unit/local_cloud"
_STACKS = (f"{_TESTS}/cloudformation/test_stack_engine.py",)
_CUSTOM = (f"{_TESTS}/cloudformation/test_custom_resources.py",)
_PARAMETERS = (f"{_TESTS}/cloudformation/test_parameters.py",)
_SAGEMAKER = (f"{_TESTS}/sagemaker/test_control_plane.py",)
_RUNTIME = (f"{_TESTS}/sagemaker/test_runtime.py",)
_SCALING = (f"{_TESTS}/parity/test_scaling.py", *_SAGEMAKER)

MUTATIONS = (
    Mutation(
        "a stack that fails keeps what it made",
        f"{_AT}/cloudformation/stack_engine.py",
        '            failures = self._delete_all(stack)\n            stack.enter("ROLLBACK_FAILED"',
        '            failures: list[str] = []\n            stack.enter("ROLLBACK_FAILED"',
        _STACKS,
    ),
    Mutation(
        "what an update no longer names stays",
        f"{_AT}/cloudformation/stack_engine.py",
        "[*update.replaced, *gone], graph",
        "[*update.replaced], graph",
        _STACKS,
    ),
    Mutation(
        "what an update replaced stays",
        f"{_AT}/cloudformation/stack_engine.py",
        "[*update.replaced, *gone], graph",
        "[*gone], graph",
        _STACKS,
    ),
    Mutation(
        "what is kept by policy is deleted",
        f"{_AT}/cloudformation/stack_engine.py",
        "                if not resource.retained:\n",
        "                if resource is not None:\n",
        _STACKS,
    ),
    Mutation(
        "what has not changed is updated",
        f"{_AT}/cloudformation/stack_engine.py",
        "or current.properties != wanted.properties:",
        "or current is not wanted:",
        _STACKS,
    ),
    Mutation(
        "an answer may have any length",
        f"{_AT}/cloudformation/custom_resources.py",
        "        if len(body) > MAX_RESPONSE_BYTES:\n",
        "        if len(body) > 100 * MAX_RESPONSE_BYTES:\n",
        _CUSTOM,
    ),
    Mutation(
        "a custom resource may take for ever",
        f"{_AT}/cloudformation/custom_resources.py",
        "if poll is None or self.clock.monotonic() > end:",
        "if poll is None or self.clock.monotonic() > 1000 * end:",
        _CUSTOM,
    ),
    Mutation(
        "a later answer counts",
        f"{_AT}/cloudformation/custom_resources.py",
        "return next(iter(self._answers[token]), None)",
        "return next(reversed(self._answers[token]), None)",
        _CUSTOM,
    ),
    Mutation(
        "a value of a list is taken though it is not allowed",
        f"{_AT}/cloudformation/parameters.py",
        "}.get(kind, (_of_values, _of_pattern))",
        "}.get(kind, (_of_pattern,))",
        _PARAMETERS,
    ),
    Mutation(
        "a part of a value has to fit a pattern",
        f"{_AT}/cloudformation/parameters.py",
        "re.fullmatch(pattern, text, re.DOTALL)",
        "re.search(pattern, text, re.DOTALL)",
        _PARAMETERS,
    ),
    Mutation(
        "roles need no acknowledgement",
        f"{_AT}/cloudformation/parameters.py",
        "    elif iam:\n",
        "    elif iam and not resources:\n",
        _PARAMETERS,
    ),
    Mutation(
        "an endpoint may be deleted while it is made",
        f"{_AT}/sagemaker/control_plane.py",
        'if endpoint.status not in {"InService", "Failed", "OutOfService"}:',
        'if endpoint.status == "Deleting":',
        _SAGEMAKER,
    ),
    Mutation(
        "a failed endpoint may be updated",
        f"{_AT}/sagemaker/control_plane.py",
        '        if endpoint.status == "Failed":\n',
        '        if endpoint.status == "failed":\n',
        _SAGEMAKER,
    ),
    Mutation(
        "an update that fails ends the endpoint",
        f"{_AT}/sagemaker/control_plane.py",
        'endpoint.status = "InService" if endpoint.serving else "Failed"',
        'endpoint.status = "Failed"',
        _SAGEMAKER,
    ),
    Mutation(
        "a policy is taken for what does not scale",
        f"{_AT}/sagemaker/scaling.py",
        "policies = self.policies.setdefault(self._registered(request), {})",
        "policies = self.policies.setdefault(_place(request), {})",
        _SCALING,
    ),
    Mutation(
        "a body of any size is passed on",
        f"{_AT}/sagemaker/runtime.py",
        "        if len(body) > MAX_BODY_BYTES:\n",
        "        if len(body) > 100 * MAX_BODY_BYTES:\n",
        _RUNTIME,
    ),
    Mutation(
        "every header is passed on",
        f"{_AT}/sagemaker/runtime.py",
        'if name.lower() in names or name.lower().startswith("x-amzn-sagemaker-")',
        "if name",
        _RUNTIME,
    ),
    Mutation(
        "two resources may be the same thing",
        f"{_AT}/cloudformation/stack_engine.py",
        "        if owner := _owner(stack, done):\n",
        "        if (owner := _owner(stack, done)) is None:\n",
        _STACKS,
    ),
    Mutation(
        "scaling survives its endpoint",
        f"{_AT}/sagemaker/control_plane.py",
        "            self._scaling.forget(endpoint.name)\n",
        "",
        _SCALING,
    ),
    Mutation(
        "the type of an instance may change under scaling",
        f"{_AT}/sagemaker/control_plane.py",
        "if old and old != new and self._scaling.is_registered(endpoint.name):",
        "if old and old == new and self._scaling.is_registered(endpoint.name):",
        _SCALING,
    ),
    Mutation(
        "a gradual update of one instance is taken",
        f"{_AT}/sagemaker/control_plane.py",
        "if is_gradual and endpoint.instance_count < 2:",
        "if is_gradual and endpoint.instance_count < 1:",
        _SAGEMAKER,
    ),
)
