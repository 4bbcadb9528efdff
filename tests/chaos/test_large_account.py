# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Thousands of foreign models cost the deployer no additional calls."""

import pytest

from tests.chaos.lives import StackParameters, Step
from tests.chaos.patched_environment import replaced


def calls_of_a_life(models, name="m"):
    """Create, update, rename and delete a stack; return the number of each call."""
    with replaced() as stage:
        account = stage.new()
        account.crowd(models, name)
        account.take(Step(1, parameters=StackParameters(name="whisper")))
        account.take(Step(1, parameters=StackParameters(name="whisper", model="b")))
        account.take(Step(1, parameters=StackParameters(name="calls-2", bucket="plain")))
        assert account.stacks[0].status == "UPDATE_COMPLETE"
        account.delete_surely(account.stacks[0])
        account.invariants.require_all()
        account.close()
        return account.aws.calls


@pytest.fixture(scope="module")
def alone():
    return calls_of_a_life(0)


def test_five_thousand_models_of_others_cost_no_call(alone):
    assert alone["describe_model"] < 20
    assert calls_of_a_life(5000) == alone


def test_names_that_hold_ours_cost_pages_and_nothing_else(alone):
    """Foreign names may contain ours, which is all SageMaker can filter by."""
    crowded = calls_of_a_life(5000, "whisper-calls")
    further = crowded - alone
    assert set(further) == {"list_models", "list_endpoint_configs"}
    listings = alone["list_models"] + alone["list_endpoint_configs"]
    assert further.total() <= 50 * listings
