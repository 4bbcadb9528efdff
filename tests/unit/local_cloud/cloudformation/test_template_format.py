# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from local_cloud.cloudformation.intrinsics import Resolver
from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.stack import Stack
from local_cloud.cloudformation.stack_engine import StackEngine
from local_cloud.cloudformation.templates import CloudFormationError, Templates

UNQUOTED = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Day: {Type: String, Default: 2012-10-17}
  Count: {Type: Number, Default: 5, AllowedValues: [5, 6]}
  Wanted: {Type: String, Default: yes, AllowedValues: [true, false]}
  Key: {Type: "AWS::EC2::KeyPair::KeyName", Default: k}
  Groups: {Type: "List<AWS::EC2::SecurityGroup::Id>", Default: "sg-1,sg-2"}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: []
  Asked: {Type: "AWS::CloudFormation::CustomResource", Properties: {ServiceToken: a}}
Outputs:
  Day: {Value: !Ref Day}
  Wanted: {Value: !Ref Wanted}
  Groups: {Value: !Join ["+", !Ref Groups]}
  Count: {Value: !Sub "${Count}"}
"""


class InMemory:
    """Makes everything, at once; what it is given must be plain values."""

    def __init__(self):
        self.made = {}

    def create(self, stack, wanted):
        self.made[wanted.logical_id] = json.loads(json.dumps(wanted.properties))
        return PhysicalResource(wanted.logical_id, {})

    def update(self, stack, current, wanted):
        raise ResourceFailed("nothing is updated here")

    def delete(self, stack, current):
        del self.made[current.logical_id]


@pytest.fixture(scope="module")
def templates():
    return Templates(lambda service: None, "us-east-1")


def create(templates, text, values=None):
    template = templates.read({"TemplateBody": text})
    templates.check(template, values or {}, ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"])
    provider, stack = InMemory(), Stack("calls", "us-east-1")
    StackEngine(provider).create(stack, template, values or {})
    return stack, provider.made


def test_unquoted_dates_numbers_and_booleans_are_text(templates):
    stack, made = create(templates, UNQUOTED)
    assert stack.status == "CREATE_COMPLETE"
    assert made["Role"]["AssumeRolePolicyDocument"]["Version"] == "2012-10-17"
    expected = {"Day": "2012-10-17", "Wanted": "true", "Groups": "sg-1+sg-2", "Count": "5"}
    assert stack.outputs == expected


TOPIC = "Resources: {A: {Type: 'AWS::SNS::Topic'}}"


def resource(**parts):
    return json.dumps({"Resources": {"A": {"Type": "AWS::SNS::Topic", **parts}}})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (" ", "must be a mapping"),
        ("5", "must be a mapping"),
        ("[Resources]", "must be a mapping"),
        ("Resources: {}", "At least one Resources member must be defined."),
        ("Resources: [1]", "Resources must be an object"),
        ("Resources: {A: 5}", "[/Resources/A] must be an object"),
        ("Resources: {A: {}}", "Every Resources object must contain a Type member"),
        ("Resources: {A: {Type: 5}}", "Every Resources object must contain a Type member"),
        ("Resources: {A: {Type: 'AWS::No::Such'}}", "Unrecognized resource types: [AWS::No::Such]"),
        ("Resources: {A: {Type: 'AWS::Serverless::Api'}}", "Unrecognized resource types"),
        (resource(Properties=[1]), "Properties has not the form"),
        (resource(Properties={"T": {"Ref": "B"}}), "Unresolved resource dependencies [B] in the R"),
        (resource(Properties={"T": {"Ref": 5}}), "the argument of Ref has not the form"),
        (resource(Properties={"T": {"Fn::If": ["x"]}}), "the argument of Fn::If has not the form"),
        (resource(Properties={"T": {"Fn::Sub": [1]}}), "the argument of Fn::Sub has not the form"),
        (resource(Properties={"T": {"Ref": "A"}}), "Circular dependency between resources: [A]"),
        (resource(DependsOn="A"), "Circular dependency between resources: [A]"),
        (resource(DependsOn=5), "DependsOn has not the form"),
        (resource(Condition="C"), "Unresolved condition C"),
        (resource(Condition=["C"]), "Condition has not the form"),
        (f"Parameters: {{P: {{}}}}\n{TOPIC}", "contain a Type"),
        (f"Parameters: {{P: {{Type: Text}}}}\n{TOPIC}", "no default"),
        (
            f"Parameters: {{P: {{Type: Text, Default: a}}}}\n{TOPIC}",
            "Unrecognized parameter type: Text",
        ),
        (
            f"Parameters: {{P: {{Type: String, Default: a, AllowedPattern: '('}}}}\n{TOPIC}",
            "the declaration of the parameter P",
        ),
        (
            f"Conditions: {{C: !Condition D, D: !Condition C}}\n{TOPIC}",
            "recursion",
        ),
        (f"Outputs: {{O: {{}}}}\n{TOPIC}", "contain a Value object"),
        (
            f"Outputs: {{O: {{Value: !Ref X}}}}\n{TOPIC}",
            "[X] in the Outputs block of the template",
        ),
    ],
)
def test_what_is_wrong_with_a_template_is_said_before_it_begins(cloud, text, sentence):
    formation = cloud.client("cloudformation")
    with pytest.raises(ClientError) as refusal:
        formation.create_stack(StackName="never", TemplateBody=text)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    assert sentence in refusal.value.response["Error"]["Message"]
    assert cloud.cloudformation.stacks() == []


NAMES = st.sampled_from(["A", "B", "P", "C", "AWS::Region", "AWS::NoValue"])
SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | NAMES | st.text(max_size=3)
# Those of Resolver, and one that it has not.
FUNCTIONS = st.sampled_from([*Resolver({}, {}, str.format)._functions, "Fn::Base64"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(FUNCTIONS, inner, min_size=1, max_size=1)
        | st.dictionaries(st.sampled_from(["a", "Properties", "Type"]), inner, max_size=2)
    ),
    max_leaves=8,
)
PARAMETER = st.fixed_dictionaries(
    {"Type": st.sampled_from(["String", "Number", "CommaDelimitedList", "List<Number>"])},
    optional={"Default": VALUES, "AllowedValues": VALUES, "MinLength": VALUES, "MinValue": VALUES},
)
RESOURCE = st.fixed_dictionaries(
    {"Type": st.sampled_from(["AWS::SNS::Topic", "Custom::Thing", "AWS::IAM::Role"])},
    optional={
        "Properties": st.dictionaries(st.sampled_from("abc"), VALUES, max_size=2),
        "DependsOn": VALUES,
        "Condition": VALUES,
        "DeletionPolicy": VALUES,
    },
)
TEMPLATES = st.fixed_dictionaries(
    {"Resources": st.dictionaries(st.sampled_from("AB"), RESOURCE | VALUES, max_size=2) | VALUES},
    optional={
        "Parameters": st.fixed_dictionaries({"P": PARAMETER}) | VALUES,
        "Conditions": st.fixed_dictionaries({"C": VALUES}) | VALUES,
        "Mappings": VALUES,
        "Rules": st.fixed_dictionaries(
            {"R": st.fixed_dictionaries({"Assertions": st.lists(VALUES, max_size=2)})}
        ),
        "Outputs": st.fixed_dictionaries({"O": st.fixed_dictionaries({"Value": VALUES})}) | VALUES,
        "Description": VALUES,
    },
)


@given(TEMPLATES)
@example({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}})
def test_any_document_is_refused_or_has_a_stack_that_comes_to_an_end(templates, template):
    try:
        stack, _ = create(
            templates, json.dumps(template), {"P": "1"} if "Parameters" in template else {}
        )
    except CloudFormationError as refusal:
        assert str(refusal)
    else:
        assert stack.status in {"CREATE_COMPLETE", "ROLLBACK_COMPLETE"}
        assert stack.reason or stack.status == "CREATE_COMPLETE"
