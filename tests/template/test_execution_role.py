# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the endpoint's role is granted: no call of ours shows it, so each grant has its reason.

Who uses it is from SageMaker's Developer Guide, "SageMaker roles": CreateModel API.
"""

import copy

import pytest

from tests.template.iam import listed, statements
from tests.template.parameter_sets import SETS

REASONS = {
    "ReadArchive": ("SageMaker: copies the archive onto each instance", {"s3:GetObject"}),
    "ListArchive": ("SageMaker: finds the archive's objects", {"s3:ListBucket"}),
    "LogInToRegistry": ("SageMaker: logs in to ECR", {"ecr:GetAuthorizationToken"}),
    "PullImage": (
        "SageMaker: pulls the image",
        {
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        },
    ),
    "WriteLogs": (
        "SageMaker: writes what the container prints",
        {
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        },
    ),
    "PublishMetrics": ("SageMaker: the instances' metrics", {"cloudwatch:PutMetricData"}),
    "WatchRollbackAlarms": (
        "SageMaker: asks during an update whether it is to be taken back",
        {"cloudwatch:DescribeAlarms"},
    ),
    "DecryptArchive": ("S3: the archive is under the given key", {"kms:Decrypt"}),
    "MakeNetworkInterfaces": (
        "SageMaker: the container's interfaces in the given subnets",
        {
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
        },
    ),
    "SeeNetwork": (
        "SageMaker: looks at the given subnets before it makes interfaces",
        {
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        },
    ),
    "ReadAudioInput": ("the container: requests with s3_uri", {"s3:GetObject"}),
}
OPTIONAL = {"DecryptArchive", "MakeNetworkInterfaces", "SeeNetwork", "ReadAudioInput"}


def granted(template, name):
    policy = statements(template, "WhisperExecutionRole", SETS[name].parameters, SETS[name].region)
    return {item["Sid"]: set(listed(item["Action"])) for item in policy}


def unexplained(template, name="everything"):
    """Return the grants without a reason and the reasons without a grant."""
    wanted = {(sid, action) for sid, (_, actions) in REASONS.items() for action in actions}
    found = {
        (sid, action) for sid, actions in granted(template, name).items() for action in actions
    }
    return found ^ wanted


def test_every_grant_has_its_reason(template):
    assert unexplained(template) == set()


@pytest.mark.parametrize("name", ["alone", "lca"])
def test_what_is_not_asked_for_is_not_granted(template, name):
    assert set(granted(template, name)) == set(REASONS) - OPTIONAL


def role_statements(template):
    policies = template["Resources"]["WhisperExecutionRole"]["Properties"]["Policies"]
    return [item for policy in policies for item in policy["PolicyDocument"]["Statement"]]


def test_a_planted_extra_and_a_planted_missing_action_are_noticed(template):
    planted = copy.deepcopy(template)
    pull = next(item for item in role_statements(planted) if item.get("Sid") == "PullImage")
    pull["Action"].append("ecr:PutImage")
    assert unexplained(planted) == {("PullImage", "ecr:PutImage")}
    pull["Action"].remove("ecr:PutImage")
    pull["Action"].remove("ecr:BatchGetImage")
    assert unexplained(planted) == {("PullImage", "ecr:BatchGetImage")}
