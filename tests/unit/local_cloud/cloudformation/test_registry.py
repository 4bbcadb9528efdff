# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import logging
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from local_cloud.cloudformation.custom_resources import CustomResources
from local_cloud.cloudformation.nested_stacks import NestedStacks
from local_cloud.cloudformation.parameters import resolver
from local_cloud.cloudformation.registry import TYPES, ResourceRegistry
from local_cloud.cloudformation.stack import NESTED, Resource
from local_cloud.template_reader import read_template

ROOT = Path(__file__).parents[4]
README = (ROOT / "local_cloud/README.md").read_text()


def lines(caplog):
    return [said for said in caplog.messages if "simulated" in said]


@pytest.fixture
def registry(caplog):
    """The types with clients that are never called."""
    caplog.set_level(logging.INFO, "local_cloud")
    session = boto3.Session("local", "local", region_name="us-east-1")
    unused: Any = None
    custom = CustomResources(unused, unused, unused)
    return ResourceRegistry(session.client, custom, NestedStacks(unused, unused))


def test_what_is_ignored_of_the_real_template_is_what_the_readme_lists(registry, caplog):
    template = read_template((ROOT / "template.yaml").read_text())
    for values in ({}, {"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"}):
        evaluator = resolver(template, values)
        for name, declaration in template["Resources"].items():
            properties = evaluator.resolve(declaration.get("Properties", {}))
            registry.simulated(Resource(name, declaration["Type"], properties, ""))
    listed = re.findall(r"^AWS::.* is not simulated$", README, re.MULTILINE)
    assert sorted(lines(caplog)) == sorted(listed)


def test_the_readme_lists_every_type_and_operation(cloud):
    types = re.findall(r"^AWS::[^\n]*$", README, re.MULTILINE)[0].split(", ")
    assert types == sorted(TYPES)
    for service in (cloud.cloudformation, cloud.sagemaker, cloud.scaling, cloud.quotas):
        row = re.findall(rf"^\| {service.title} \| (.*) \|$", README, re.MULTILINE)[0]
        assert row.split(", ") == sorted(service._operations)


def test_a_property_is_said_once_for_its_type(registry, caplog):
    for name in ("First", "Second"):
        properties = {"Tags": [], "LogGroupName": "g"}
        kept = registry.simulated(Resource(name, "AWS::Logs::LogGroup", properties, "id"))
        assert kept == Resource(name, "AWS::Logs::LogGroup", {"LogGroupName": "g"}, "id")
    registry.simulated(Resource("Third", "AWS::S3::Bucket", {"Tags": []}, ""))
    assert lines(caplog) == [
        "AWS::Logs::LogGroup First: Tags is not simulated",
        "AWS::S3::Bucket Third: Tags is not simulated",
    ]


def test_what_stands_within_a_property_is_named_by_its_path(registry, caplog):
    metric = {"MetricName": "m", "Invented": 1}
    properties = {
        "AlarmName": "a",
        "Metrics": [{"Id": "m1", "MetricStat": {"Metric": metric, "Stat": "Sum"}}],
    }
    kept = registry.simulated(Resource("Alarm", "AWS::CloudWatch::Alarm", properties, ""))
    assert kept.properties["Metrics"][0]["MetricStat"]["Metric"] == {"MetricName": "m"}
    path = "Metrics.MetricStat.Metric.Invented"
    assert lines(caplog) == [f"AWS::CloudWatch::Alarm Alarm: {path} is not simulated"]


def test_of_a_nested_stack_and_of_what_is_custom(registry, caplog):
    nested = {"TemplateURL": "https://…", "Parameters": {"A": "1"}, "TimeoutInMinutes": 5}
    registry.simulated(Resource("Child", NESTED, nested, ""))
    registry.simulated(Resource("Mine", "Custom::Mine", {"ServiceToken": "f", "Any": "thing"}, ""))
    assert lines(caplog) == [f"{NESTED} Child: TimeoutInMinutes is not simulated"]


def test_a_stack_says_it_and_is_created(cloud, caplog):
    caplog.set_level(logging.INFO, "local_cloud")
    properties = {"RetentionInDays": "7", "LogGroupClass": "STANDARD"}
    group = {"Type": "AWS::Logs::LogGroup", "Properties": properties}
    client = cloud.client("cloudformation")
    body = yaml.dump({"Resources": {"Group": group}})
    client.create_stack(StackName="said", TemplateBody=body)
    cloud.operations.join()
    (stack,) = client.describe_stacks(StackName="said")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert lines(caplog) == ["AWS::Logs::LogGroup Group: LogGroupClass is not simulated"]
    client.delete_stack(StackName="said")
    cloud.operations.join()
