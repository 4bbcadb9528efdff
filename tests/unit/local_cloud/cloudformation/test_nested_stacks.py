# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from local_cloud import inventory

BUCKET = "templates"
URL = f"https://s3.us-east-1.amazonaws.com/{BUCKET}"

CHILD = """
Parameters:
  Name: {Type: String, AllowedPattern: "[a-z0-9-]+", ConstraintDescription: Use letters.}
  Days: {Type: Number, Default: 7}
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Ref Name, RetentionInDays: !Ref Days}
Outputs:
  Group: {Value: !Ref Group}
"""
GRANDPARENT = f"""
Parameters:
  Name: {{Type: String}}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {{TemplateURL: {URL}/child, Parameters: {{Name: !Ref Name}}}}
Outputs:
  Group: {{Value: !GetAtt Inner.Outputs.Group}}
"""
PARENT = f"""
Parameters:
  Name: {{Type: String, Default: calls}}
  Days: {{Type: Number, Default: 7}}
  Beside: {{Type: String, Default: sibling}}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: {URL}/child
      Parameters: {{Name: !Ref Name, Days: !Ref Days}}
  Sibling:
    Type: AWS::Logs::LogGroup
    DependsOn: Child
    Properties: {{LogGroupName: !Ref Beside}}
Outputs:
  Group: {{Value: !GetAtt Child.Outputs.Group}}
  Address: {{Value: !Sub "log:${{Child.Outputs.Group}}"}}
"""


class Family:
    """A parent, its child, and where the child's template is."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.client = cloud.client("cloudformation")
        self.logs = cloud.client("logs")
        self.put("child", CHILD)

    def put(self, key, text):
        self.cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def create(self, template=PARENT, **values):
        self.client.create_stack(
            StackName="family", TemplateBody=template, Parameters=given(**values)
        )
        return self.settled()

    def update(self, template=PARENT, **values):
        self.client.update_stack(
            StackName="family", TemplateBody=template, Parameters=given(**values)
        )
        return self.settled()

    def settled(self, name="family"):
        self.cloud.operations.join()
        (stack,) = self.client.describe_stacks(StackName=name)["Stacks"]
        return stack

    def child_id(self, parent="family", logical_id="Child"):
        answer = self.client.describe_stack_resources(StackName=parent)["StackResources"]
        found = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in answer}
        return found[logical_id]

    def history(self, name="family"):
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return [(e["LogicalResourceId"], e["ResourceStatus"]) for e in reversed(events)]

    def reasons(self, name="family"):
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return {
            e["LogicalResourceId"]: e["ResourceStatusReason"]
            for e in events
            if e["ResourceStatus"].endswith("_FAILED")
        }

    def groups(self):
        found = self.logs.describe_log_groups()["logGroups"]
        return {group["logGroupName"]: group.get("retentionInDays") for group in found}

    def mark(self, group):
        """Leave a trace that a group made again would not have."""
        self.logs.create_log_stream(logGroupName=group, logStreamName="mark")

    def is_marked(self, group):
        return bool(self.logs.describe_log_streams(logGroupName=group)["logStreams"])


def given(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def outputs(stack):
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


@pytest.fixture
def family(cloud):
    before = inventory.take(cloud)
    s3, logs = cloud.client("s3"), cloud.client("logs")
    s3.create_bucket(Bucket=BUCKET)
    logs.create_log_group(logGroupName="taken")
    yield Family(cloud)
    for stack in cloud.cloudformation.stacks():
        cloud.client("cloudformation").delete_stack(StackName=stack.stack_id)
    cloud.operations.join()
    logs.delete_log_group(logGroupName="taken")
    for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    s3.delete_bucket(Bucket=BUCKET)
    assert inventory.take(cloud) == before


def test_create_read_outputs_and_delete(family):
    stack = family.create()
    assert stack["StackStatus"] == "CREATE_COMPLETE", family.reasons()
    assert outputs(stack) == {"Group": "calls", "Address": "log:calls"}
    assert family.groups() == {"taken": None, "calls": 7, "sibling": None}

    child = family.settled(family.child_id())
    assert child["StackStatus"] == "CREATE_COMPLETE"
    assert child["StackName"].startswith("family-Child-")
    assert child["ParentId"] == child["RootId"] == stack["StackId"]
    assert "ParentId" not in stack
    assert child["Parameters"] == given(Name="calls", Days="7")

    family.client.delete_stack(StackName="family")
    assert family.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert family.settled(child["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert family.groups() == {"taken": None}


def test_an_update_of_a_parameter_goes_through_the_parent(family):
    family.create()
    family.mark("calls")
    child_id = family.child_id()
    stack = family.update(Days="30")
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert family.groups()["calls"] == 30
    assert family.is_marked("calls")
    assert family.child_id() == child_id


def test_another_template_at_the_same_address_is_noticed(family):
    family.create()
    family.put("child", CHILD.replace("Default: 7", "Default: 30").replace("!Ref Days", "14"))
    assert family.update()["StackStatus"] == "UPDATE_COMPLETE"
    assert family.groups()["calls"] == 14
    # And where it has not changed, the child is left alone.
    before = family.history(family.child_id())
    assert family.update()["StackStatus"] == "UPDATE_COMPLETE"
    assert family.history(family.child_id()) == before


def test_a_child_that_fails_takes_the_parent_back(family):
    stack = family.create(Name="taken")
    child_id = family.reasons()["Child"].split()[2]
    assert family.reasons() == {
        "Child": f"Embedded stack {child_id} was not successfully created: "
        f"{family.reasons(child_id)['Group']}"
    }
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert family.settled(child_id)["StackStatus"] == "DELETE_COMPLETE"
    assert ("Group", "CREATE_FAILED") in family.history(child_id)
    assert family.groups() == {"taken": None}


def test_a_sibling_that_fails_takes_the_child_away(family):
    assert family.create(Beside="taken")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert family.groups() == {"taken": None}
    assert [s.status for s in family.cloud.cloudformation.stacks()] == ["ROLLBACK_COMPLETE"]


def test_the_child_cleans_up_when_the_whole_has_succeeded(family):
    family.create()
    child_id = family.child_id()
    stack = family.update(Name="other", Beside="other-sibling")
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert outputs(stack)["Group"] == "other"
    assert family.groups() == {"taken": None, "other": 7, "other-sibling": None}

    def times(name, logical_id, status):
        events = family.client.describe_stack_events(StackName=name)["StackEvents"]
        return [
            event["Timestamp"]
            for event in events
            if (event["LogicalResourceId"], event["ResourceStatus"]) == (logical_id, status)
        ]

    (cleaned,) = times(child_id, "Group", "DELETE_COMPLETE")
    (decided,) = times("family", "family", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert decided < cleaned
    child_name = family.settled(child_id)["StackName"]
    assert [s for name, s in family.history(child_id) if name == child_name][-3:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]


def test_a_sibling_that_fails_takes_the_childs_update_back(family):
    family.create()
    family.mark("calls")
    child_id = family.child_id()
    stack = family.update(Name="other", Beside="taken")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert outputs(stack)["Group"] == "calls"
    child = family.settled(child_id)
    assert child["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert (child["Parameters"], outputs(child)) == (
        given(Name="calls", Days="7"),
        {"Group": "calls"},
    )
    # Not made again: it was never removed.
    assert family.is_marked("calls")
    assert family.groups() == {"taken": None, "calls": 7, "sibling": None}
    assert family.update(Days="30")["StackStatus"] == "UPDATE_COMPLETE"
    assert family.groups()["calls"] == 30


def test_a_child_that_cannot_be_updated_goes_back_by_itself(family):
    family.create()
    family.mark("calls")
    child_id = family.child_id()
    family.put("child", CHILD.replace("!Ref Name,", "taken,"))
    stack = family.update(Days="30")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["StackStatusReason"].startswith(
        f"Embedded stack {child_id} was not successfully updated. Currently in "
        "UPDATE_ROLLBACK_COMPLETE with reason: "
    )
    assert outputs(stack)["Group"] == "calls"
    assert family.settled(child_id)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    # The template at its address would still fail: the old one is what it went back to.
    assert family.history(child_id).count(("Group", "UPDATE_FAILED")) == 1
    assert family.is_marked("calls")
    assert family.groups() == {"taken": None, "calls": 7, "sibling": None}


def test_a_child_within_a_child(family):
    family.put("middle", GRANDPARENT)
    template = PARENT.replace("/child", "/middle").replace(", Days: !Ref Days", "")
    stack = family.create(template)
    assert outputs(stack)["Group"] == "calls"
    middle = family.child_id()
    inner = family.child_id(middle, "Inner")
    assert family.settled(inner)["ParentId"] == middle
    assert family.settled(inner)["RootId"] == stack["StackId"]
    family.mark("calls")

    stack = family.update(template, Name="other", Beside="taken")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert family.settled(inner)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert family.is_marked("calls")

    assert outputs(family.update(template, Name="other"))["Group"] == "other"
    assert family.settled(inner)["StackStatus"] == "UPDATE_COMPLETE"
    assert family.groups() == {"taken": None, "other": 7, "sibling": None}

    family.client.delete_stack(StackName="family")
    assert family.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert family.groups() == {"taken": None}


def test_a_child_that_is_no_longer_named_is_deleted(family):
    family.create()
    child_id = family.child_id()
    alone = "Resources: {Sibling: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: alone}}}"
    assert family.update(alone)["StackStatus"] == "UPDATE_COMPLETE"
    assert family.settled(child_id)["StackStatus"] == "DELETE_COMPLETE"
    assert family.groups() == {"taken": None, "alone": None}


def test_a_child_that_cannot_be_deleted_keeps_its_parent(family):
    bucket = "Resources: {Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: kept}}}"
    family.put("child", bucket)
    template = "\n".join(
        [
            "Resources:",
            "  Child:",
            "    Type: AWS::CloudFormation::Stack",
            f"    Properties: {{TemplateURL: {URL}/child}}",
        ]
    )
    family.create(template)
    s3 = family.cloud.client("s3")
    s3.put_object(Bucket="kept", Key="recording.wav", Body=b"theirs")
    child_id = family.child_id()
    family.client.delete_stack(StackName="family")
    stack = family.settled()
    assert stack["StackStatus"] == family.settled(child_id)["StackStatus"] == "DELETE_FAILED"
    assert f"Embedded stack {child_id} was not successfully deleted" in stack["StackStatusReason"]
    s3.delete_object(Bucket="kept", Key="recording.wav")
    family.client.delete_stack(StackName="family")
    assert family.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


ROLE = """
Parameters: {Name: {Type: String}, Days: {Type: Number}}
Outputs: {Group: {Value: !Ref Role}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}}
"""


def test_the_child_has_its_parents_capabilities(family):
    family.put("child", ROLE)
    family.create()
    assert family.reasons()["Child"].endswith("acknowledge it with CAPABILITY_IAM.")
    family.client.delete_stack(StackName="family")
    family.cloud.operations.join()
    family.client.create_stack(
        StackName="family", TemplateBody=PARENT, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    assert family.settled()["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("wrong", "right", "sentence"),
    [
        ("/child", "/none", "cannot read"),
        ("Name: !Ref Name", "Name: [a, b]", "join the items of Name"),
        ("Name: !Ref Name", "Name: A B", "Use letters."),
        ("Name: !Ref Name", "Nome: !Ref Name", "There is no parameter Nome"),
        (f"TemplateURL: {URL}/child", "TimeoutInMinutes: 5", "give the stack a TemplateURL"),
        ("GetAtt Child.Outputs.Group", "GetAtt Child.Outputs.Grupp", "no attribute Outputs.Grupp"),
    ],
    ids=lambda text: text.split(":")[-1],
)
def test_what_is_wrong_is_said_and_nothing_is_left(family, wrong, right, sentence):
    stack = family.create(PARENT.replace(wrong, right))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert sentence in stack["StackStatusReason"]
    assert family.groups() == {"taken": None}
