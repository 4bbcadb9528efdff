# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from local_cloud.cloudformation.intrinsics import Resolver, UnresolvedReference, references_in
from local_cloud.template_reader import read_template

TEMPLATE = {
    "Mappings": {"Registry": {"us-east-1": {"Account": "763104351884", "Zones": ["a", "b"]}}},
    "Conditions": {
        "Yes": {"Fn::Equals": ["1", 1]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
    },
}
REFERENCES = {
    "Size": "large",
    "List": ["x", "y"],
    "Empty": "",
    "Bucket": "my-bucket",
    "AWS::Region": "us-east-1",
}
ATTRIBUTES = {("Bucket", "Arn"): "arn:aws:s3:::my-bucket", ("Child", "Outputs.Name"): "inner"}


@pytest.fixture
def resolve():
    return Resolver(TEMPLATE, REFERENCES, lambda *path: ATTRIBUTES[path]).resolve


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("plain", "plain"),
        (7, 7),
        (True, True),
        ({"Ref": "Size"}, "large"),
        ({"Ref": "List"}, ["x", "y"]),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::my-bucket"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "arn:aws:s3:::my-bucket"),
        ({"Fn::GetAtt": ["Child", "Outputs.Name"]}, "inner"),
        ({"Fn::Sub": "${Bucket}/${AWS::Region}/x"}, "my-bucket/us-east-1/x"),
        ({"Fn::Sub": "${Bucket.Arn}/*"}, "arn:aws:s3:::my-bucket/*"),
        ({"Fn::Sub": "${!Literal} $x ${Size}"}, "${Literal} $x large"),
        ({"Fn::Sub": ["${A}-${Size}", {"A": {"Ref": "Bucket"}}]}, "my-bucket-large"),
        ({"Fn::Sub": ["${Size}", {"Size": "the nearer one"}]}, "the nearer one"),
        ({"Fn::Join": [",", ["a", {"Ref": "Size"}, 3]]}, "a,large,3"),
        ({"Fn::Join": ["", {"Ref": "List"}]}, "xy"),
        ({"Fn::Split": ["/", "a/b/c"]}, ["a", "b", "c"]),
        ({"Fn::Split": ["/", {"Ref": "Size"}]}, ["large"]),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::Select": ["0", {"Ref": "List"}]}, "x"),
        (
            {"Fn::FindInMap": ["Registry", {"Ref": "AWS::Region"}, "Account"]},
            "763104351884",
        ),
        ({"Fn::FindInMap": ["Registry", "us-east-1", "Zones"]}, ["a", "b"]),
        ({"Fn::If": ["Yes", "then", {"Ref": "does not exist"}]}, "then"),
        ({"Fn::If": ["No", {"Ref": "does not exist"}, "else"]}, "else"),
        ({"Fn::Equals": [{"Ref": "Size"}, "large"]}, True),
        ({"Fn::Equals": ["true", True]}, False),
        ({"Fn::Not": [{"Fn::Equals": [{"Ref": "Empty"}, ""]}]}, False),
        ({"Fn::And": [{"Condition": "Yes"}, {"Condition": "Either"}]}, True),
        ({"Fn::Or": [{"Condition": "No"}, {"Condition": "Both"}]}, False),
        ({"Fn::Contains": [["1", "2"], 2]}, True),
        ({"Fn::Contains": [["1", "2"], "3"]}, False),
        ({"Fn::EachMemberIn": [{"Ref": "List"}, ["x", "y", "z"]]}, True),
        ({"Fn::EachMemberIn": [{"Ref": "List"}, ["x"]]}, False),
        ({"Fn::EachMemberEquals": [["a", "a"], "a"]}, True),
        ({"Fn::EachMemberEquals": [["a", "b"], "a"]}, False),
        ({"Deep": [{"Er": {"Ref": "Size"}}]}, {"Deep": [{"Er": "large"}]}),
    ],
)
def test_what_an_expression_means(resolve, expression, value):
    assert resolve(expression) == value


NO_VALUE = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"A": 1, "B": NO_VALUE}, {"A": 1}),
        ([1, NO_VALUE, 2], [1, 2]),
        ({"A": [{"Fn::If": ["No", "x", NO_VALUE]}]}, {"A": []}),
        ({"A": {"Fn::If": ["Yes", "x", NO_VALUE]}}, {"A": "x"}),
        ({"Outer": {"Inner": NO_VALUE}}, {"Outer": {}}),
    ],
)
def test_no_value_is_dropped(resolve, expression, value):
    assert resolve(expression) == value


def test_a_policys_condition_is_not_a_condition_of_the_template(resolve):
    statement = {"Condition": {"StringEquals": {"aws:ResourceTag/x": {"Ref": "Size"}}}}
    resolved = {"Condition": {"StringEquals": {"aws:ResourceTag/x": "large"}}}
    assert resolve(statement) == resolved
    assert resolve({"Effect": "Allow", **statement}) == {"Effect": "Allow", **resolved}
    assert resolve({"Condition": "Yes"}) is True


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ({"Ref": "Nobody"}, "there is no Nobody"),
        ({"Fn::Sub": "${Nobody}"}, "there is no Nobody"),
        ({"Condition": "Maybe"}, "there is no condition Maybe"),
        ({"Fn::If": ["Maybe", 1, 2]}, "there is no condition Maybe"),
        ({"Fn::FindInMap": ["Registry", "nowhere", "Account"]}, "no Registry / nowhere / Account"),
        (
            {"Fn::If": ["Yes", "x", [{"Fn::FindInMap": ["Registry", "nowhere", "Account"]}]]},
            "no Registry / nowhere / Account",
        ),
        ({"Fn::Select": [5, ["a"]]}, r"no item 5 in \['a'\]"),
        ({"Fn::Select": [-1, ["a"]]}, "no item -1"),
        ({"Fn::Cidr": ["10.0.0.0/16", 1, 8]}, "the function Fn::Cidr is not supported"),
    ],
)
def test_what_cannot_be_resolved_is_named(resolve, expression, sentence):
    with pytest.raises(UnresolvedReference, match=sentence):
        resolve(expression)


def test_what_exists_by_its_condition():
    resolver = Resolver(TEMPLATE, REFERENCES, lambda *path: "")
    assert resolver.exists({})
    assert resolver.exists({"Condition": "Yes"})
    assert not resolver.exists({"Condition": "No"})


def test_references_are_found_wherever_they_are():
    properties = {
        "A": {"Ref": "Ref1"},
        "B": [{"Fn::GetAtt": ["Attribute1", "Arn"]}, {"Fn::GetAtt": "Attribute2.Arn"}],
        "C": {"Fn::Sub": "${Sub1} ${Sub2.Arn} ${!Literal}"},
        "D": {"Fn::Sub": ["${Own} ${Sub3}", {"Own": {"Ref": "Ref2"}}]},
        "E": {"Fn::If": ["Yes", {"Ref": "Then"}, {"Ref": "Else"}]},
    }
    assert references_in(properties) == {
        *("Ref1", "Ref2", "Attribute1", "Attribute2", "Sub1", "Sub2", "Sub3", "Then", "Else")
    }


def test_short_tags_are_read_as_the_long_functions():
    template = read_template(
        "Resources: {A: {Type: X, Properties: {B: !GetAtt C.D.E, F: !Sub 'x${G}', H: !Ref I}}}"
    )
    assert template["Resources"]["A"]["Properties"] == {
        "B": {"Fn::GetAtt": ["C", "D.E"]},
        "F": {"Fn::Sub": "x${G}"},
        "H": {"Ref": "I"},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Resources: {A: {Type: X}, A: {Type: Y}}", "line 1"),
        ("Resources: [", "cannot be read"),
        ("Description: no resources", "Resources section"),
    ],
)
def test_what_is_no_template(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_template(text)
