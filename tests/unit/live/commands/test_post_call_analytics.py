# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``whisper-sagemaker transcribe-api pca`` on templates with what is known of AWS's own."""

import json

import pytest

from live_whisper.__main__ import main
from live_whisper.transport import aws
from local_cloud.template_reader import read_template
from tests.unit.live.commands.test_transcribe_api import URL, Stack

PCA = """\
Resources:
  Layer:
    Type: AWS::Lambda::LayerVersion
  TranscribeLambdaRole:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns:
        - arn:aws:iam::aws:policy/AmazonTranscribeFullAccess
      Policies:
        - PolicyName: PassIt
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action: iam:PassRole
                Resource: !GetAtt Other.Arn

  SFStartTranscribeJob:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          RoleArn: !GetAtt Other.Arn
          AWS_DATA_PATH: "/opt/models"
      Role: !GetAtt TranscribeLambdaRole.Arn

  SFProcessTurn:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          AWS_DATA_PATH: "/opt/models"
      Policies:
        - arn:aws:iam::aws:policy/AmazonS3FullAccess

  SFFinalProcessing:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          AWS_DATA_PATH: "/opt/models"
"""
TRIGGER = """\
Resources:
  TranscribeEventbridge:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        StandardEventBridge:
          Type: EventBridgeRule
          Properties:
            Pattern:
              source:
                - aws.transcribe
              detail:
                TranscriptionJobStatus: [FAILED, COMPLETED]
        CallAnalyticsEventBridge:
          Type: EventBridgeRule
          Properties:
            Pattern:
              source:
                - aws.transcribe
      Environment:
        Variables:
          TableName: !Ref TableName
          AWS_DATA_PATH: "/opt/models"
      Policies:
      - arn:aws:iam::aws:policy/AmazonTranscribeReadOnlyAccess
      - Statement:
        - Effect: Allow
          Action: states:SendTaskSuccess
          Resource: "*"
"""
ASKING = {
    "Effect": "Allow",
    "Action": "execute-api:Invoke",
    "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:execute-api:eu-west-1:${AWS::AccountId}:abc/*/POST/"
        "transcribe*"
    },
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(aws, "client", lambda *_, **__: Stack(JobsApiUrl=URL))
    lib = tmp_path / "cfn" / "lib"
    lib.mkdir(parents=True)
    (lib / "pca.template").write_text(PCA)
    (lib / "trigger.template").write_text(TRIGGER)
    return tmp_path


def overlay(checkout, capsys):
    status = main(["transcribe-api", "pca", str(checkout), "--stack", "a"])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines()


def resources(checkout, name):
    return read_template((checkout / "cfn" / "lib" / name).read_text())["Resources"]


def test_the_functions_that_transcribe_ask_the_stack(checkout, capsys):
    status, lines, _ = overlay(checkout, capsys)
    model = checkout / "src/pca/whisper/transcribe/2017-10-26/service-2.sdk-extras.json"
    lib = checkout / "cfn" / "lib"
    assert status == 0
    assert lines == [str(lib / "pca.template"), str(lib / "trigger.template"), str(model)]
    assert json.loads(model.read_text())["merge"]["metadata"] == {"signingName": "execute-api"}
    found = {**resources(checkout, "pca.template"), **resources(checkout, "trigger.template")}
    for name in ("SFStartTranscribeJob", "SFProcessTurn", "TranscribeEventbridge"):
        variables = found[name]["Properties"]["Environment"]["Variables"]
        assert variables["AWS_DATA_PATH"] == "/opt/models:/var/task/whisper"
        assert variables["AWS_ENDPOINT_URL_TRANSCRIBE"] == f"{URL}/transcribe"
    for name in ("SFProcessTurn", "TranscribeEventbridge"):
        assert found[name]["Properties"]["Policies"][0] == {"Statement": [ASKING]}
    added, *_ = found["TranscribeLambdaRole"]["Properties"]["Policies"]
    assert added == {"PolicyName": "AskWhisper", "PolicyDocument": {"Statement": [ASKING]}}
    events = found["TranscribeEventbridge"]["Properties"]["Events"]
    assert [one["Properties"]["Pattern"]["source"] for one in events.values()] == [
        ["aws.transcribe", "whisper.recordings"],
        ["aws.transcribe"],
    ]


def test_nothing_else_is_changed(checkout, capsys):
    overlay(checkout, capsys)
    for name, before in (("pca.template", PCA), ("trigger.template", TRIGGER)):
        after = (checkout / "cfn" / "lib" / name).read_text().splitlines()
        kept = [line for line in after if line in before.splitlines()]
        changed = [line for line in before.splitlines() if line not in after]
        assert {line.strip() for line in changed} <= {'AWS_DATA_PATH: "/opt/models"'}
        assert len(after) > len(kept)
    final = resources(checkout, "pca.template")["SFFinalProcessing"]["Properties"]
    assert final["Environment"]["Variables"] == {"AWS_DATA_PATH": "/opt/models"}


@pytest.mark.parametrize(
    ("name", "gone", "sentence"),
    [
        ("trigger.template", "aws.transcribe", "StandardEventBridge has 0 places"),
        ("pca.template", "AWS_DATA_PATH", "SFStartTranscribeJob has 0 places"),
        ("pca.template", "TranscribeLambdaRole:", "TranscribeLambdaRole has 0 places"),
    ],
)
def test_a_template_of_another_form_is_left_as_it_is(checkout, capsys, name, gone, sentence):
    path = checkout / "cfn" / "lib" / name
    path.write_text(path.read_text().replace(gone, "Other:" if gone.endswith(":") else "other"))
    before = {one: one.read_text() for one in path.parent.iterdir()}
    status, _, (line,) = overlay(checkout, capsys)
    assert (status, sentence in line) == (2, True), line
    assert line.endswith("Change it by docs/post-call-analytics.md.")
    assert {one: one.read_text() for one in path.parent.iterdir()} == before
    assert not (checkout / "src").exists()


def test_it_is_done_once_and_where_the_templates_are(checkout, capsys):
    overlay(checkout, capsys)
    status, _, (line,) = overlay(checkout, capsys)
    assert (status, "has already been changed" in line) == (2, True)
    status, _, (line,) = overlay(checkout / "src", capsys)
    assert (status, "give pca-server of a checkout" in line) == (2, True)
