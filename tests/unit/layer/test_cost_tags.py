# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from whisper_sagemaker.cost_tags import COPIED_TAG, MOST, changes, copied

TEAM = {"team": "support", "cost center": "4711"}


def after(current, stack_tags):
    """Return a resource's tags once the changes are made."""
    new, lost = changes(current, stack_tags)
    return {key: value for key, value in {**current, **new}.items() if key not in lost}


def test_tags_are_copied_and_a_second_time_nothing_is_written():
    current = copied(TEAM)
    assert current.items() > TEAM.items()
    assert changes(current, TEAM) == ({}, [])


def test_what_the_stack_loses_goes_and_what_somebody_put_by_hand_stays():
    current = {"by hand": "x", **copied(TEAM)}
    fewer = {"team": "sales"}
    assert after(current, fewer) == {"by hand": "x", **copied(fewer)}
    assert after(current, {}) == {"by hand": "x"}
    assert after({"by hand": "x"}, {}) == {"by hand": "x"}


def test_a_tag_that_was_put_by_hand_is_the_stacks_once_it_has_it_too():
    current = after({"team": "mine"}, TEAM)
    assert current == copied(TEAM)
    assert after(current, {"cost center": "4711"}) == copied({"cost center": "4711"})


@pytest.mark.parametrize("key", ["aws:servicecatalog:x", "whisper-sagemaker:stack"])
def test_reserved_tags_are_not_copied(key):
    assert copied({key: "x"}) == {}


def test_fifty_tags_of_a_stack_leave_room_for_ours_and_the_log_says_so(caplog):
    """50 is SageMaker's limit, and CloudFormation's for a stack."""
    fifty = {f"{'k' * 126}{number:02}": "v" * 256 for number in range(50)}
    found = copied(fifty)
    assert len(found) == MOST + 1
    assert len(found[COPIED_TAG]) <= 256
    assert "kk35" in caplog.text
    assert "kk34" not in caplog.text
    assert after(found, {}) == {}
