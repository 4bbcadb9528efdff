# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_cloud import inventory

GROUP = """
Description: One log group.
Parameters:
  Name: {Type: String, AllowedPattern: "[a-z<&]+", ConstraintDescription: Use letters.}
  Days: {Type: Number, Default: 7}
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Ref Name, RetentionInDays: !Ref Days}
Outputs:
  Group: {Value: !Ref Group}
"""


@pytest.fixture
def formation(cloud):
    before = inventory.take(cloud)
    yield cloud.client("cloudformation")
    for stack in cloud.cloudformation.stacks():
        cloud.client("cloudformation").delete_stack(StackName=stack.stack_id)
    cloud.operations.join()
    assert inventory.take(cloud) - before == {}


def given(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def described(cloud, formation, name="calls"):
    cloud.operations.join()
    (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
    return stack


def create(cloud, formation, **values):
    values = {"Name": "calls"} | values
    answer = formation.create_stack(
        StackName="calls", TemplateBody=GROUP, Parameters=given(**values)
    )
    cloud.operations.join()
    return answer["StackId"]


def groups(cloud):
    found = cloud.client("logs").describe_log_groups()["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in found}


def refusal(call, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_create_update_delete(cloud, formation):
    stack_id = create(cloud, formation)
    stack = described(cloud, formation)
    assert (stack["StackId"], stack["StackStatus"]) == (stack_id, "CREATE_COMPLETE")
    assert stack["Description"] == "One log group."
    assert stack["Outputs"] == [{"OutputKey": "Group", "OutputValue": "calls"}]
    assert stack["Parameters"] == given(Name="calls")
    assert groups(cloud) == {"calls": 7}

    kept = [{"ParameterKey": "Name", "UsePreviousValue": True}, *given(Days="30")]
    formation.update_stack(StackName="calls", UsePreviousTemplate=True, Parameters=kept)
    assert described(cloud, formation)["StackStatus"] == "UPDATE_COMPLETE"
    assert groups(cloud) == {"calls": 30}

    formation.delete_stack(StackName="calls")
    assert described(cloud, formation, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert groups(cloud) == {}
    assert refusal(formation.describe_stacks, StackName="calls") == (
        "ValidationError",
        "Stack with id calls does not exist",
    )
    formation.delete_stack(StackName="calls")


def test_events_newest_first_and_resources(cloud, formation):
    stack_id = create(cloud, formation)
    events = formation.describe_stack_events(StackName=stack_id)["StackEvents"]
    assert [(e["LogicalResourceId"], e["ResourceStatus"]) for e in events] == [
        ("calls", "CREATE_COMPLETE"),
        ("Group", "CREATE_COMPLETE"),
        ("Group", "CREATE_IN_PROGRESS"),
        ("calls", "CREATE_IN_PROGRESS"),
    ]
    assert len({event["EventId"] for event in events}) == 4
    (resource,) = formation.describe_stack_resources(StackName=stack_id)["StackResources"]
    assert (resource["LogicalResourceId"], resource["PhysicalResourceId"]) == ("Group", "calls")


def test_what_is_refused_before_anything_is_made(cloud, formation):
    create(cloud, formation)
    update = formation.update_stack
    code, _ = refusal(
        formation.create_stack, StackName="calls", TemplateBody=GROUP, Parameters=given(Name="a")
    )
    assert code == "AlreadyExistsException"
    assert refusal(
        update, StackName="calls", TemplateBody=GROUP, Parameters=given(Name="calls")
    ) == ("ValidationError", "No updates are to be performed.")
    code, message = refusal(
        update, StackName="calls", TemplateBody=GROUP, Parameters=given(Name="A<&")
    )
    assert message == "The parameter Name cannot be 'A<&': Use letters."
    _, message = refusal(formation.create_stack, StackName="b", TemplateBody="Resources: [")
    assert "cannot be read at line" in message
    _, message = refusal(formation.create_stack, StackName="b", TemplateBody=GROUP + "#" * 51_200)
    assert message == "Template may not exceed 51200 bytes in size."
    _, message = refusal(
        formation.create_stack,
        StackName="b",
        TemplateURL="https://s3.us-east-1.amazonaws.com/none/t.yaml",
    )
    assert "cannot read https://s3.us-east-1.amazonaws.com/none/t.yaml" in message
    _, message = refusal(formation.list_exports)
    assert message == "The local cloud has no CloudFormation ListExports"
    assert groups(cloud) == {"calls": 7}


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.us-east-1.amazonaws.com/templates/a/group.yaml",
        "https://templates.s3.us-east-1.amazonaws.com/a/group.yaml",
        "https://templates.s3.amazonaws.com/a/group.yaml",
    ],
)
def test_a_template_by_its_url(cloud, formation, url):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="templates")
    # Longer than what may be given inline.
    s3.put_object(Bucket="templates", Key="a/group.yaml", Body=GROUP + "#" * 60_000)
    formation.create_stack(StackName="calls", TemplateURL=url, Parameters=given(Name="by-url"[:2]))
    assert described(cloud, formation)["StackStatus"] == "CREATE_COMPLETE"
    s3.delete_object(Bucket="templates", Key="a/group.yaml")
    s3.delete_bucket(Bucket="templates")


def test_change_sets_as_the_clis_deploy_uses_them(cloud, formation):
    def change(kind, **values):
        answer = formation.create_change_set(
            StackName="calls",
            ChangeSetName=f"change-{kind}-{len(values)}",
            ChangeSetType=kind,
            TemplateBody=GROUP,
            Parameters=given(**values),
        )
        return answer["Id"], formation.describe_change_set(ChangeSetName=answer["Id"])

    identifier, described_set = change("CREATE", Name="calls")
    assert (described_set["Status"], described_set["ExecutionStatus"]) == (
        "CREATE_COMPLETE",
        "AVAILABLE",
    )
    assert groups(cloud) == {}
    assert described(cloud, formation)["StackStatus"] == "REVIEW_IN_PROGRESS"
    formation.execute_change_set(ChangeSetName=identifier)
    assert described(cloud, formation)["StackStatus"] == "CREATE_COMPLETE"

    identifier, described_set = change("UPDATE", Name="calls")
    assert described_set["Status"] == "FAILED"
    assert described_set["StatusReason"].startswith("The submitted information didn't contain")
    formation.delete_change_set(ChangeSetName=identifier)

    identifier, _ = change("UPDATE", Name="calls", Days="30")
    formation.execute_change_set(ChangeSetName=identifier)
    assert described(cloud, formation)["StackStatus"] == "UPDATE_COMPLETE"
    assert groups(cloud) == {"calls": 30}
    assert refusal(formation.describe_change_set, ChangeSetName="none")[0].startswith("ChangeSet")


def test_validating_a_template(formation):
    summary = formation.validate_template(TemplateBody=GROUP)
    assert summary["Description"] == "One log group."
    assert {p["ParameterKey"] for p in summary["Parameters"]} == {"Name", "Days"}


def test_a_resource_type_that_we_cannot_make(cloud, formation):
    body = "Resources: {Disk: {Type: AWS::EC2::Volume}}"
    formation.create_stack(StackName="calls", TemplateBody=body)
    stack = described(cloud, formation)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stack["StackStatusReason"] == "The local cloud cannot make a AWS::EC2::Volume"


def test_a_services_refusal_is_the_stacks_reason(cloud, formation):
    cloud.client("logs").create_log_group(logGroupName="taken")
    create(cloud, formation, Name="taken")
    stack = described(cloud, formation)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "already exists" in stack["StackStatusReason"]
    assert groups(cloud) == {"taken": None}
    cloud.client("logs").delete_log_group(logGroupName="taken")


def test_a_stack_that_did_not_come_up_can_only_be_deleted(cloud, formation):
    formation.create_stack(
        StackName="calls", TemplateBody="Resources: {Disk: {Type: AWS::EC2::Volume}}"
    )
    cloud.operations.join()
    _, message = refusal(
        formation.update_stack, StackName="calls", TemplateBody=GROUP, Parameters=given(Name="a")
    )
    assert message.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")


def test_the_cli_deploys_twice(cloud, formation, tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(GROUP)
    command = ["aws", "cloudformation", "deploy", "--stack-name", "calls", "--template-file"]
    command += [str(template), "--parameter-overrides"]
    tools = Path(sys.executable).parent
    variables = {**os.environ, **cloud.environment(), "PATH": f"{tools}:{os.environ['PATH']}"}
    # The second leaves Name as it is, and must know from the service that the stack has one.
    for days, value in (("Days=5", "Name=calls"), ("Days=14", "")):
        ended = subprocess.run(
            [*command, days, *filter(None, [value])],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
    assert groups(cloud) == {"calls": 14}
    summary = formation.get_template_summary(StackName="calls")
    assert [item["ParameterKey"] for item in summary["Parameters"]] == ["Name", "Days"]
    assert summary["ResourceTypes"] == ["AWS::Logs::LogGroup"]
    assert "DefaultValue" not in summary["Parameters"][0]
    assert refusal(formation.get_template_summary, StackName="none")[1].endswith("does not exist")
    assert "must be specified" in refusal(formation.get_template_summary)[1]
