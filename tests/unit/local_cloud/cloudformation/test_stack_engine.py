# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import doctest
import time
from itertools import count

import pytest

from local_cloud.cloudformation import stack_engine
from local_cloud.cloudformation.operations import OperationThreads
from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.stack import Stack
from local_cloud.cloudformation.stack_engine import StackEngine


class Recorder:
    """Makes anything, and writes down in which order.

    A change of the property Replace means another physical id.
    """

    def __init__(self):
        self.calls = []
        self.alive = {}
        self.failures = {}
        self._number = count(1)

    def create(self, stack, wanted):
        self._act("create", wanted.logical_id)
        return self._made(wanted)

    def update(self, stack, current, wanted):
        self._act("update", wanted.logical_id)
        if current.properties.get("Replace") != wanted.properties.get("Replace"):
            return self._made(wanted)
        self.alive[current.physical_id] = wanted.properties
        return PhysicalResource(current.physical_id, self._attributes(wanted))

    def delete(self, stack, current):
        self._act("delete", current.physical_id)
        del self.alive[current.physical_id]

    def fail(self, verb, name, message="no", physical_id="", times=1):
        self.failures[verb, name] = [ResourceFailed(message, physical_id)] * times

    def names(self, verb):
        return [name for done, name in self.calls if done == verb]

    def _act(self, verb, name):
        self.calls.append((verb, name))
        if self.failures.get((verb, name)):
            failure = self.failures[verb, name].pop()
            if failure.physical_id:
                self.alive.setdefault(failure.physical_id, {})
            raise failure

    def _made(self, wanted):
        physical_id = f"{wanted.logical_id}-{next(self._number)}"
        self.alive[physical_id] = wanted.properties
        return PhysicalResource(physical_id, self._attributes(wanted))

    def _attributes(self, wanted):
        return {"Arn": f"arn:{wanted.logical_id}:{wanted.properties.get('Value', '')}"}


class Life:
    def __init__(self):
        self.provider = Recorder()
        self.engine = StackEngine(self.provider)
        self.stack = Stack("calls", "us-east-1")

    def create(self, resources, parameters=None, **sections):
        self.engine.create(self.stack, template(resources, sections), parameters or {})
        return self

    def update(self, resources, parameters=None, **sections):
        del self.provider.calls[:]
        self.engine.update(self.stack, template(resources, sections), parameters or {})
        return self

    def delete(self):
        del self.provider.calls[:]
        self.engine.delete(self.stack)
        return self

    def statuses(self, logical_id):
        return [event.status for event in self.stack.events if event.logical_id == logical_id]


def template(resources, sections):
    declared = {name: {"Type": "Any::Thing", **item} for name, item in resources.items()}
    return {"Resources": declared, **sections}


def thing(**properties):
    return {"Properties": properties}


@pytest.fixture
def life():
    return Life()


CHAIN = {
    "E": {"DependsOn": ["D", "A"], **thing()},
    "D": {"DependsOn": "C", **thing()},
    "C": thing(Name={"Fn::Sub": "x${B}"}),
    "B": thing(Of={"Fn::GetAtt": ["A", "Arn"]}),
    "A": thing(Value="1"),
}


def test_resources_are_made_in_the_order_of_their_references(life):
    life.create(CHAIN)
    assert life.stack.status == "CREATE_COMPLETE"
    assert life.provider.names("create") == ["A", "B", "C", "D", "E"]
    assert life.provider.alive["B-2"] == {"Of": "arn:A:1"}
    assert life.provider.alive["C-3"] == {"Name": "xB-2"}


def test_and_deleted_in_the_reverse(life):
    life.create(CHAIN).delete()
    assert life.provider.calls == [("delete", n) for n in ("E-5", "D-4", "C-3", "B-2", "A-1")]
    assert life.stack.status == "DELETE_COMPLETE"
    assert life.stack.resources == {}


def test_conditions_parameters_and_outputs(life):
    sections = {
        "Parameters": {
            "Wanted": {"Type": "String", "Default": "no"},
            "Items": {"Type": "CommaDelimitedList", "Default": "a,b"},
        },
        "Conditions": {"Wanted": {"Fn::Equals": [{"Ref": "Wanted"}, "yes"]}},
        "Outputs": {
            "Id": {"Value": {"Ref": "A"}},
            "Arn": {"Value": {"Fn::GetAtt": ["A", "Arn"]}},
            "Stack": {"Value": {"Ref": "AWS::StackName"}},
            "Other": {"Condition": "Wanted", "Value": {"Ref": "B"}},
        },
    }
    resources = {"A": thing(Items={"Ref": "Items"}), "B": {"Condition": "Wanted", **thing()}}
    life.create(resources, **sections)
    assert life.provider.alive == {"A-1": {"Items": ["a", "b"]}}
    assert life.stack.outputs == {"Id": "A-1", "Arn": "arn:A:", "Stack": "calls"}
    life.update(resources, {"Wanted": "yes"}, **sections)
    assert life.provider.calls == [("create", "B")]
    assert life.stack.outputs["Other"] == "B-2"
    life.update(resources, {"Wanted": "no"}, **sections)
    assert life.provider.calls == [("delete", "B-2")]
    assert life.stack.status == "UPDATE_COMPLETE"


def test_only_what_changes_is_updated_and_passed_on(life):
    life.create(CHAIN).update(CHAIN | {"A": thing(Value="2")})
    # A's attribute is B's property; B's physical id, which C has, stays.
    assert life.provider.calls == [("update", "A"), ("update", "B")]
    assert life.provider.alive["B-2"] == {"Of": "arn:A:2"}
    assert life.stack.status == "UPDATE_COMPLETE"


def test_what_was_replaced_goes_when_all_else_has_succeeded(life):
    resources = {"A": thing(Replace="1"), "B": thing(Of={"Ref": "A"})}
    life.create(resources).update(resources | {"A": thing(Replace="2")})
    assert life.provider.calls == [("update", "A"), ("update", "B"), ("delete", "A-1")]
    assert life.provider.alive == {"A-3": {"Replace": "2"}, "B-2": {"Of": "A-3"}}
    assert life.statuses("calls")[-2:] == ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_what_is_cleaned_up_goes_in_the_reverse_of_the_old_order(life):
    old = {"Bucket": thing(), "Content": thing(Replace="1", In={"Ref": "Bucket"})}
    life.create(old).update({"Content": thing(Replace="2", In="elsewhere")})
    assert life.provider.calls == [
        ("update", "Content"),
        ("delete", "Content-2"),
        ("delete", "Bucket-1"),
    ]


def test_a_failed_create_is_rolled_back_in_reverse(life):
    life.provider.fail("create", "C", "the quota is used up")
    life.create(CHAIN)
    assert life.stack.status == "ROLLBACK_COMPLETE"
    assert life.stack.reason == "the quota is used up"
    assert life.provider.names("delete") == ["B-2", "A-1"]
    assert life.provider.alive == {}
    assert life.statuses("C") == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]
    assert life.statuses("D") == []


def test_two_resources_are_not_the_same_thing(life, monkeypatch):
    monkeypatch.setattr(
        life.provider, "create", lambda stack, wanted: PhysicalResource("same", {"Arn": "a"})
    )
    monkeypatch.setattr(life.provider, "delete", lambda stack, current: None)
    life.create({"A": thing(), "B": {"DependsOn": "A", **thing()}})
    assert life.stack.status == "ROLLBACK_COMPLETE"
    (failed,) = [event for event in life.stack.events if event.status == "CREATE_FAILED"]
    assert failed.logical_id == "B"
    assert failed.reason == f"same already exists in stack {life.stack.stack_id} as A"


def test_what_failed_and_exists_in_part_is_deleted_too(life):
    life.provider.fail("create", "C", physical_id="C-half")
    life.create(CHAIN)
    assert life.provider.names("delete") == ["C-half", "B-2", "A-1"]


def test_a_roll_back_that_leaves_something_says_so(life):
    life.provider.fail("create", "C")
    life.provider.fail("delete", "B-2")
    life.create(CHAIN)
    assert life.stack.status == "ROLLBACK_FAILED"
    # What B needs is kept until B is gone.
    assert set(life.stack.resources) == {"A", "B"}
    assert life.delete().stack.status == "DELETE_COMPLETE"


def test_a_failed_update_restores_what_was(life):
    life.create(CHAIN)
    before = dict(life.provider.alive)
    life.provider.fail("update", "C", "it does not start", physical_id="C-3")
    changed = CHAIN | {
        "A": thing(Value="2"),
        "B": thing(Of={"Fn::GetAtt": ["A", "Arn"]}, Replace="new"),
        "New": {"DependsOn": "A", **thing()},
    }
    life.update(changed)
    assert life.stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert life.stack.reason == "it does not start"
    assert life.provider.alive == before
    assert life.stack.template == template(CHAIN, {})
    # C is told the old properties again, though it failed: it may have been changed in part.
    assert life.provider.names("update").count("C") == 2
    assert life.provider.names("delete") == [
        name for name in life.provider.names("delete") if name.startswith(("B-", "New-"))
    ]
    assert "B-2" not in life.provider.names("delete")


def test_parameters_are_rolled_back_too(life):
    sections = {"Parameters": {"P": {"Type": "String"}}}
    resources = {"A": thing(Value={"Ref": "P"}), "B": thing(Of={"Ref": "P"})}
    life.create(resources, {"P": "1"}, **sections)
    life.provider.fail("update", "B")
    life.update(resources, {"P": "2"}, **sections)
    assert life.stack.parameters == {"P": "1"}
    assert life.provider.alive["A-1"] == {"Value": "1"}


def test_a_roll_back_that_fails_says_so(life):
    resources = {"A": thing(Value="1"), "B": thing(Value="1")}
    life.create(resources)
    life.provider.fail("update", "A", "not any more", physical_id="A-1", times=2)
    life.update({"A": thing(Value="2"), "B": thing(Value="1")})
    assert life.stack.status == "UPDATE_ROLLBACK_FAILED"
    assert life.stack.reason == "not any more"


def test_a_failed_delete_keeps_what_the_resource_needs(life):
    life.create(CHAIN)
    life.provider.fail("delete", "C-3", "it is in use")
    life.delete()
    assert life.stack.status == "DELETE_FAILED"
    assert life.stack.reason == "C: it is in use"
    assert set(life.stack.resources) == {"A", "B", "C"}
    life.delete()
    assert life.stack.status == "DELETE_COMPLETE"
    assert life.provider.alive == {}


def test_what_is_to_be_retained_stays(life):
    resources = {"A": {"DeletionPolicy": "Retain", **thing()}, "B": thing()}
    life.create(resources).delete()
    assert life.provider.calls == [("delete", "B-2")]
    assert life.statuses("A")[-1] == "DELETE_SKIPPED"
    assert life.stack.status == "DELETE_COMPLETE"
    assert list(life.provider.alive) == ["A-1"]


def test_what_is_no_longer_in_the_template_may_be_retained_too(life):
    life.create({"A": {"DeletionPolicy": "Retain", **thing()}, "B": thing()}).update({"B": thing()})
    assert life.provider.calls == []
    assert list(life.provider.alive) == ["A-1", "B-2"]


def test_a_reference_to_nothing_fails_the_stack_in_a_sentence(life):
    life.create({"A": thing(), "B": thing(Of={"Fn::GetAtt": ["A", "Nothing"]})})
    assert life.stack.status == "ROLLBACK_COMPLETE"
    assert life.stack.reason == "B: A has no attribute Nothing"
    assert life.provider.alive == {}


def test_a_trouble_of_our_own_ends_the_operation_visibly(life, caplog):
    threads = OperationThreads()
    life.engine = StackEngine(life.provider, threads)
    life.create({"A": thing(Of={"Ref": "B"}), "B": thing(Of={"Ref": "A"})})
    threads.join()
    assert life.stack.status == "CREATE_FAILED"
    assert "cycle" in life.stack.reason
    caplog.clear()


def test_what_takes_a_moment_has_ended_when_the_api_answers(life):
    life.engine = StackEngine(life.provider, OperationThreads())
    create = life.provider.create

    def create_after_a_moment(*given):
        time.sleep(0.05)
        return create(*given)

    life.provider.create = create_after_a_moment
    life.create({"A": thing()})
    assert life.stack.status == "CREATE_COMPLETE"


def test_the_history_is_in_order(life):
    life.create({"A": thing()}).delete()
    assert [(event.logical_id, event.status) for event in life.stack.events] == [
        ("calls", "CREATE_IN_PROGRESS"),
        ("A", "CREATE_IN_PROGRESS"),
        ("A", "CREATE_COMPLETE"),
        ("calls", "CREATE_COMPLETE"),
        ("calls", "DELETE_IN_PROGRESS"),
        ("A", "DELETE_IN_PROGRESS"),
        ("A", "DELETE_COMPLETE"),
        ("calls", "DELETE_COMPLETE"),
    ]
    assert life.stack.events[2].physical_id == "A-1"


def test_the_example_of_a_provider_in_memory():
    assert doctest.testmod(stack_engine) == (0, 6)


def test_what_a_provider_raises_besides_passes_through(life):
    def violated(*arguments):
        raise AssertionError("the archive is gone")

    life.provider.create = violated
    with pytest.raises(AssertionError, match="the archive is gone"):
        life.create({"A": thing()})


def test_a_stack_has_the_clock_and_the_id_that_it_is_given(life):
    times = iter(range(100))
    life.stack = Stack("calls", "us-east-1", stack_id="arn:calls", clock=lambda: next(times))
    life.create({"A": thing()})
    assert life.stack.stack_id == "arn:calls"
    assert [event.timestamp for event in life.stack.events] == [1, 2, 3, 4]
    assert len({event.event_id for event in life.stack.events}) == 4
