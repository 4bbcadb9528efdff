# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisper_sagemaker import names

# As SageMaker's API documents it, apart from the limit of 63 characters.
PATTERN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
ENDPOINT_NAMES = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?", fullmatch=True)
STACK_NAMES = st.from_regex(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", fullmatch=True)
REQUESTS = st.recursive(
    st.text() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def is_taken_by_sagemaker(name):
    return len(name) <= 63 and PATTERN.fullmatch(name) is not None


@pytest.mark.parametrize("name", ["a", "A1", "calls-2", "a--b", "x" * 63])
def test_valid_names(name):
    assert names.is_valid(name)


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "a_b", "a.b", "a b", "x" * 64, "a" + "---b" * 20, "a\n", "é"]
)
def test_invalid_names(name):
    assert not names.is_valid(name)


@settings(max_examples=100, deadline=None)
@given(endpoint=ENDPOINT_NAMES, request=REQUESTS)
def test_names_of_models_and_configs_are_taken_by_sagemaker(endpoint, request):
    name = names.content_name(endpoint, request)
    assert is_taken_by_sagemaker(name)
    assert name.startswith(f"{names.base(endpoint)}-")
    assert endpoint.startswith(names.base(endpoint))
    assert names.is_content_name(name, endpoint)
    assert not names.is_content_name(f"{name}0", endpoint)
    assert name == names.content_name(endpoint, request)


@settings(max_examples=100, deadline=None)
@given(stack=STACK_NAMES, uuid=st.uuids())
def test_generated_names_are_short_and_taken_by_sagemaker(stack, uuid):
    arn = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{stack}/{uuid}"
    name = names.generated_endpoint_name(arn)
    assert is_taken_by_sagemaker(name)
    assert len(name) <= 50
    # Nothing of a generated name is cut off in the names of its models.
    assert names.base(name) == name
    assert name.endswith(str(uuid)[:8])


def test_a_generated_name():
    arn = (
        "arn:aws:cloudformation:eu-west-1:1:stack/LCA-WHISPER/0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"
    )
    assert names.generated_endpoint_name(arn) == "whisper-LCA-WHISPER-0a1b2c3d"


def test_the_order_of_keys_does_not_matter_and_everything_else_does():
    request = {"a": 1, "b": {"c": [1, 2], "d": "x"}}
    reordered = {"b": {"d": "x", "c": [1, 2]}, "a": 1}
    assert names.content_name("calls", request) == names.content_name("calls", reordered)
    for other in (
        {"a": 2, "b": {"c": [1, 2], "d": "x"}},
        {"a": 1, "b": {"c": [2, 1], "d": "x"}},
        {"a": "1", "b": {"c": [1, 2], "d": "x"}},
        {"a": 1},
    ):
        assert names.content_name("calls", request) != names.content_name("calls", other)


def test_endpoints_whose_names_begin_alike_share_no_model():
    long = "whisper-endpoint-" + "x" * 40
    first, second = names.content_name(f"{long}-a", {}), names.content_name(f"{long}-b", {})
    assert first != second
    assert first.rpartition("-")[0] == second.rpartition("-")[0]


def test_a_shortened_name_does_not_end_in_a_hyphen():
    assert names.base("x" * 49 + "-" + "y" * 10) == "x" * 49
    assert re.fullmatch("x{49}-[0-9a-f]{12}", names.content_name("x" * 49 + "--" + "y" * 10, {}))


def test_the_digest_is_that_of_canonical_json():
    # printf '{"a":[1,"b"]}' | sha256sum
    wanted = "ee70aef572200b15408cec63724334e0ccd6c2b5d1cd7225a7f6a3f2a9aa80a9"
    assert names.digest({"a": [1, "b"]}) == wanted
