# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from local_cloud.cloudformation.intrinsics import UnresolvedReference
from local_cloud.cloudformation.parameters import check, conditions, resolver
from local_cloud.template_reader import read_template

TEMPLATE = read_template("""
Parameters:
  Size: {Type: String, AllowedValues: [small, large], Default: small}
  Name:
    Type: String
    Default: ""
    AllowedPattern: "^$|^[a-z]+$"
    ConstraintDescription: Name must be lower-case letters.
  Code: {Type: String, MinLength: 2, MaxLength: 4, Default: abc}
  Count: {Type: Number, MinValue: 1, MaxValue: 3, Default: 1}
  Choice: {Type: Number, AllowedValues: [1, 2], Default: 1}
  Paths:
    Type: CommaDelimitedList
    AllowedPattern: "^$|^s3://[a-z/]+$"
    Default: ""
Rules:
  LargeIsNamed:
    RuleCondition: !Equals [!Ref Size, large]
    Assertions:
      - Assert: !Not [!Equals [!Ref Name, ""]]
        AssertDescription: "Give Name when Size is large."
  NotEverywhere:
    Assertions:
      - Assert: !Or
          - Fn::Contains: [[eu-west-1, us-east-1], !Ref AWS::Region]
          - !And [!Equals [!Ref AWS::Partition, aws-cn], Fn::EachMemberIn: [["1"], ["1", "2"]]]
  NoPathTwice:
    Assertions:
      - Assert: !Not [Fn::EachMemberEquals: [!Ref Paths, "s3://same/"]]
Conditions:
  HasName: !Not [!Equals [!Ref Name, ""]]
  IsLargeAndNamed: !And [!Condition HasName, !Equals [!Ref Size, large]]
Resources:
  Topic: {Type: AWS::SNS::Topic}
""")


def objections(parameters, region="us-east-1", template=TEMPLATE, capabilities=()):
    return check(template, parameters, region, capabilities)


def test_defaults_are_good():
    assert objections({}) == []


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"Size": "huge"}, "The parameter Size cannot be 'huge': it must be one of small, large."),
        ({"Name": "ABC"}, "The parameter Name cannot be 'ABC': Name must be lower-case letters."),
        ({"Name": "abc\n"}, "The parameter Name cannot be 'abc\\n': Name must be lower-case"),
        ({"Code": "a"}, "The parameter Code cannot be 'a': it must have 2 to 4 characters."),
        ({"Code": "abcde"}, "it must have 2 to 4 characters."),
        ({"Count": "0"}, "The parameter Count cannot be '0': it must be from 1 to 3."),
        ({"Count": "4"}, "it must be from 1 to 3."),
        ({"Count": "two"}, "it must be a number."),
        ({"Choice": "3"}, "it must be one of 1, 2."),
        ({"Paths": "s3://a/, S3://b/"}, "it must match"),
        ({"Extra": "x"}, "There is no parameter Extra: remove it or use one of Choice, Code,"),
        ({"Size": "large"}, "Give Name when Size is large."),
        ({"Paths": "s3://same/,s3://same/"}, "The rule NoPathTwice does not hold."),
    ],
)
def test_each_constraint_objects_with_a_sentence(parameters, sentence):
    (objection,) = objections(parameters)
    assert sentence in objection


def test_items_of_a_list_are_trimmed_and_checked_one_by_one():
    assert objections({"Paths": "s3://a/ , s3://b/"}) == []
    assert resolver(TEMPLATE, {"Paths": "s3://a/ , s3://b/"}).resolve({"Ref": "Paths"}) == [
        "s3://a/",
        "s3://b/",
    ]


def test_a_parameter_without_default_must_be_given():
    template = {**TEMPLATE, "Parameters": {"Key": {"Type": "String"}}, "Rules": {}}
    assert objections({}, template=template) == [
        "The parameter Key has no default: give it a value."
    ]
    assert objections({"Key": ""}, template=template) == []


def test_rules_see_the_region_and_partition():
    assert objections({}, "ap-south-1") == ["The rule NotEverywhere does not hold."]
    assert objections({}, "cn-north-1") == []


def test_rules_wait_until_every_parameter_is_good():
    assert len(objections({"Size": "large", "Code": "a"})) == 1


@pytest.mark.parametrize(
    ("resource", "needed"),
    [
        ({"Type": "AWS::IAM::Role", "Properties": {}}, "CAPABILITY_IAM"),
        ({"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "x"}}, "CAPABILITY_IAM"),
        ({"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x"}}, "CAPABILITY_NAMED_IAM"),
    ],
)
def test_iam_resources_need_a_capability(resource, needed):
    template = {"Resources": {"Thing": resource}}
    (objection,) = objections({}, template=template)
    assert objection.endswith(f"acknowledge it with {needed}.")
    assert objections({}, template=template, capabilities=["CAPABILITY_NAMED_IAM"]) == []
    enough = check(template, {}, "us-east-1", ["CAPABILITY_IAM"])
    assert bool(enough) == (needed == "CAPABILITY_NAMED_IAM")


def test_a_transform_needs_a_capability():
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {}}
    assert "CAPABILITY_AUTO_EXPAND" in objections({}, template=template)[0]
    assert objections({}, template=template, capabilities=["CAPABILITY_AUTO_EXPAND"]) == []


def test_conditions():
    assert conditions(TEMPLATE, {}) == {"HasName": False, "IsLargeAndNamed": False}
    assert conditions(TEMPLATE, {"Name": "a", "Size": "large"}) == {
        "HasName": True,
        "IsLargeAndNamed": True,
    }


def test_parameters_of_awss_own_types_are_texts_and_lists():
    key = {"Type": "AWS::EC2::KeyPair::KeyName", "AllowedValues": ["k"], "Default": "k"}
    groups = {"Type": "List<AWS::EC2::SecurityGroup::Id>", "AllowedPattern": "sg-.", "Default": ""}
    template = {"Parameters": {"Key": key, "Groups": groups}}
    assert objections({"Groups": "sg-1, sg-2"}, template=template) == []
    said = objections({"Key": "l", "Groups": "sg-1,x"}, template=template)
    assert said == [
        "The parameter Key cannot be 'l': it must be one of k.",
        "The parameter Groups cannot be 'sg-1,x': it must match sg-..",
    ]
    assert resolver(template, {"Groups": "a,b"}).resolve({"Ref": "Groups"}) == ["a", "b"]


def test_what_is_not_supported_is_said_and_not_passed():
    for kind, said in (
        ("Text", "Unrecognized parameter type: Text"),
        ("AWS::SSM::Parameter::Value<String>", "does not read the Parameter Store"),
    ):
        template = {"Parameters": {"Key": {"Type": kind, "Default": "k"}}}
        (objection,) = objections({}, template=template)
        assert said in objection
    with pytest.raises(UnresolvedReference, match="Fn::ImportValue"):
        resolver({}, {}).resolve({"Fn::ImportValue": "x"})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Fn::Join": ["-", ["a", {"Ref": "Size"}]]}, "a-small"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", {"Fn::Split": ["/", "a/b"]}]}, "b"),
        ({"Fn::Sub": "${Size}-${!Size}-${AWS::Region}"}, "small-${Size}-us-east-1"),
        ({"Fn::Sub": ["${A}${Topic.Arn}", {"A": {"Ref": "Size"}}]}, "small<Topic.Arn>"),
        ({"Fn::GetAtt": ["Topic", "Arn"]}, "<Topic.Arn>"),
        ({"Fn::If": ["HasName", {"Ref": "Nothing"}, "no"]}, "no"),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        ({"A": {"Ref": "AWS::NoValue"}, "B": 2}, {"B": 2}),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)
def test_values(expression, value):
    assert resolver(TEMPLATE, {}).resolve(expression) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "cannot be read at line 2"),
        ("Resources: {}\nResources: {}", "Duplicate"),
        ("a: 1", "Resources section"),
        ("- a", "Resources section"),
    ],
)
def test_what_is_no_template_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        read_template(text)
