# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Live Call Analytics as far as this stack is concerned: its template, and what it does with it."""

from tests.template.parameter_sets import LCA

REGION = "us-east-1"
BUCKET = "lca-artifacts-us-east-1"
PREFIX = "artifacts/lca/0.9.7"
RECORDINGS = "lca-recordings"

ARN = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint"

PARENT = f"""
Parameters:
  TranscribeApiMode: {{Type: String}}
  OtherLogName: {{Type: String, Default: /lca/other}}
PASSED
Conditions:
  IsWhisper: !Equals [!Ref TranscribeApiMode, whisper-on-sagemaker]
Resources:
  WHISPERSTACK:
    Type: AWS::CloudFormation::Stack
    Condition: IsWhisper
    Properties:
      TemplateURL: https://s3.{REGION}.amazonaws.com/{BUCKET}/{PREFIX}/lca-whisper-sagemaker-stack/template.yaml
      Parameters:
GIVEN
        EndpointName: !Sub whisper-endpoint-${{AWS::StackName}}
  TranscriberRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {{Service: lambda.amazonaws.com}}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: whisper
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: sagemaker:InvokeEndpoint
                Resource: !If
                  - IsWhisper
                  - !Sub {ARN}/${{WHISPERSTACK.Outputs.WhisperSageMakerEndpointName}}
                  - !Sub {ARN}/none
  OtherLog:
    Type: AWS::Logs::LogGroup
    DependsOn: WHISPERSTACK
    Properties: {{LogGroupName: !Ref OtherLogName}}
Outputs:
  Endpoint:
    Condition: IsWhisper
    Value: !GetAtt WHISPERSTACK.Outputs.WhisperSageMakerEndpointName
  Role: {{Value: !Ref TranscriberRole}}
"""


def parent():
    """Return LCA's template as far as this stack is concerned: the eleven it passes, no other."""
    own = [name for name in LCA if name != "EndpointName"]
    return PARENT.replace(
        "PASSED", "\n".join(f"  {name}: {{Type: String}}" for name in own)
    ).replace("GIVEN", "\n".join(f"        {name}: !Ref {name}" for name in own))


GIVEN = {
    **{name: value for name, value in LCA.items() if name != "EndpointName"},
    "WhisperModelSize": "base.en",
    "S3BucketName": RECORDINGS,
    "TranscribeApiMode": "whisper-on-sagemaker",
}


class Lca:
    """A stack of LCA's in the local cloud."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.client = cloud.client("cloudformation")
        self.name = "LCA"

    def create(self):
        self.client.create_stack(StackName=self.name, **self._request({}))
        return self.settled()

    def update(self, **changes):
        self.client.update_stack(StackName=self.name, **self._request(changes))
        return self.settled()

    def settled(self):
        self.cloud.operations.join()
        (stack,) = self.client.describe_stacks(StackName=self.name)["Stacks"]
        # From now on by its id, under which it is found when it is deleted.
        self.name = stack["StackId"]
        return stack

    def child(self):
        answer = self.client.describe_stack_resources(StackName=self.name)["StackResources"]
        (identity,) = [
            item["PhysicalResourceId"]
            for item in answer
            if item["ResourceType"] == "AWS::CloudFormation::Stack"
        ]
        (child,) = self.client.describe_stacks(StackName=identity)["Stacks"]
        return child

    def _request(self, changes):
        return {
            "TemplateBody": parent(),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in (GIVEN | changes).items()
            ],
            "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        }


def make_buckets(cloud):
    """Make LCA's two versioned buckets, with a recording."""
    s3 = cloud.client("s3")
    for bucket in (BUCKET, RECORDINGS):
        s3.create_bucket(Bucket=bucket)
        status = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=status)
    s3.put_object(Bucket=RECORDINGS, Key="lca-audio/call.wav", Body=b"theirs")


def outputs(stack):
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def variant(cloud, endpoint):
    sagemaker = cloud.client("sagemaker")
    state = sagemaker.describe_endpoint(EndpointName=endpoint)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=state["EndpointConfigName"])
    return config["ProductionVariants"][0]


def scaling(cloud):
    """Return the targets' limits and the policies' names."""
    client = cloud.client("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    policies = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    limits = [(item["MinCapacity"], item["MaxCapacity"]) for item in targets]
    return limits, [item["PolicyName"] for item in policies]


def recordings(cloud):
    answer = cloud.client("s3").list_object_versions(Bucket=RECORDINGS)
    found = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
    return [item["Key"] for item in found]
