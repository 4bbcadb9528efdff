# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the function really calls, with which ARNs and tags, against the policy as it is resolved.

The calls are recorded while a stack lives through everything; what each needs is IAM's Service
Authorization Reference.
"""

import copy
import random

import pytest

from local_cloud.hosting import Health
from local_cloud.parameters import resolver
from scripts.chaos.lives import worlds
from scripts.chaos.world import Wanted
from tests.template.iam import allows, listed, statements

PARAMETERS = {
    "EndpointName": "calls",
    "S3BucketName": "plain",
    "ModelS3Uri": "s3://models/a/",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "HubTokenSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:hub-AbCdEf",
}
HERE = "us-east-1:123456789012"
FUNCTION = "<WhisperDeploymentFunction.Arn>"
TAG = "whisper-sagemaker:stack"

# Granted, and not called by this stack's life: each with its reason.
NOT_CALLED_HERE = {
    "iam:PassRole": "SageMaker: the execution role is named in CreateModel",
    "kms:CreateGrant": "SageMaker: the key is named in CreateEndpointConfig",
    "kms:Decrypt": "S3: objects under the key are read, and parts joined",
    "kms:GenerateDataKey": "S3: objects under the key are written",
    "logs:CreateLogStream": "Lambda: the function's own log",
    "logs:PutLogEvents": "Lambda: the function's own log",
    "logs:GetLogEvents": "only of a container that has written something",
    "s3:AbortMultipartUpload": "a damaged or deleted upload from the hub",
    "s3:DeleteObjectVersion": "buckets with versions",
    "s3:ListMultipartUploadParts": "an upload from the hub that is gone on with",
    "s3:PutObjectTagging": "see PutObject: asked for where tags are written",
    "secretsmanager:GetSecretValue": "the hub's token",
    "application-autoscaling:PutScheduledAction": "only where somebody has made one",
}


def s3_needs(operation, request):
    bucket = f"arn:aws:s3:::{request.get('Bucket') or request.get('bucket')}"
    key = f"{bucket}/{request.get('Key') or request.get('key')}"
    prefix = {"s3:prefix": request.get("Prefix")}
    if operation == "copy_object":
        source = request["source"]
        read = f"arn:aws:s3:::{source['Bucket']}/{source['Key']}"
        yield from (("s3:GetObject", read, {}), ("s3:GetObjectTagging", read, {}))
        yield from (("s3:PutObject", key, {}), ("s3:PutObjectTagging", key, {}))
    elif operation == "delete_objects":
        for item in request["Delete"]["Objects"]:
            yield "s3:DeleteObject", f"{bucket}/{item['Key']}", {}
            yield "s3:DeleteObjectVersion", f"{bucket}/{item['Key']}", {}
    elif operation in {"list_objects_v2", "list_object_versions"}:
        action = {"list_objects_v2": "ListBucket"}.get(operation, "ListBucketVersions")
        yield f"s3:{action}", bucket, prefix
    elif operation == "list_multipart_uploads":
        yield "s3:ListBucketMultipartUploads", bucket, {}
    else:
        names = {"head_object": "GetObject", "get_object_tagging": "GetObjectTagging"}
        words = operation.title().replace("_", "")
        yield f"s3:{names.get(operation, words)}", key, {}
        if request.get("Tagging"):
            yield "s3:PutObjectTagging", key, {}


def sagemaker_needs(operation, request, tags_of):
    words = operation.title().replace("_", "")
    if operation.startswith("list_") and operation != "list_tags":
        yield f"sagemaker:{words}", "*", {}
        return
    kinds = {"EndpointConfigName": "endpoint-config", "ModelName": "model"}
    name, kind = "EndpointName", "endpoint"
    if "EndpointName" not in request and "ResourceArn" not in request:
        name, kind = next((n, k) for n, k in kinds.items() if n in request)
    arn = request.get("ResourceArn") or f"arn:aws:sagemaker:{HERE}:{kind}/{request[name].lower()}"
    context = {f"aws:ResourceTag/{k}": v for k, v in tags_of(arn).items()}
    context |= {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in request.get("Tags", [])}
    yield f"sagemaker:{words}", arn, context
    if operation.startswith("create_"):
        yield "sagemaker:AddTags", arn, {**context, "sagemaker:TaggingAction": words}
    if operation == "update_endpoint":
        config = f"arn:aws:sagemaker:{HERE}:endpoint-config/{request['EndpointConfigName']}"
        owner = {f"aws:ResourceTag/{k}": v for k, v in tags_of(config).items()}
        yield "sagemaker:UpdateEndpoint", config, owner


def other_needs(service, operation, request):
    words = operation.title().replace("_", "")
    action = f"{service}:{words}"
    if service == "application-autoscaling":
        if operation.startswith("describe_"):
            yield action, "*", {}
        else:
            target = f"arn:aws:application-autoscaling:{HERE}:scalable-target/0123"
            yield action, target, {"application-autoscaling:service-namespace": "sagemaker"}
    elif service == "lambda":
        yield action, FUNCTION, {}
    elif service == "events":
        yield action, f"arn:aws:events:{HERE}:rule/{request.get('Name') or request['Rule']}", {}
    elif service == "logs":
        yield action, f"arn:aws:logs:{HERE}:log-group:{request['logGroupName']}", {}
    elif service == "cloudwatch":
        for name in request["AlarmNames"]:
            yield action, f"arn:aws:cloudwatch:{HERE}:alarm:{name}", {}
    else:
        assert (service, operation) == ("cloudformation", "describe_stacks")
        yield action, request["StackName"], {}


@pytest.fixture(scope="module")
def needed():
    """Return what a whole life needs: action, ARN, context."""
    from local_cloud.template_reader import read_template
    from tests.template.conftest import TEMPLATE

    template = read_template(TEMPLATE.read_text())
    found = []
    with worlds() as made:
        world = made.new(random.Random(0))
        world.random.random = lambda: 0.9  # no faults, no request twice, one at a time
        world.aws.waiting = None
        stack = world.stacks[0]
        stack.identity = resolver(template, PARAMETERS).resolve({"Ref": "AWS::StackId"})
        carry_out = world.aws._carry_out

        def recording(service, operation, request):
            kind = service.removesuffix("-runtime")
            if service == "s3":
                found.extend(s3_needs(operation, request))
            elif kind == "sagemaker":
                tags = world.aws.sagemaker._tags
                needs = sagemaker_needs(operation, request, lambda arn: dict(tags.get(arn, {})))
                found.extend(needs)
            else:
                found.extend(other_needs(service, operation, request))
            return carry_out(service, operation, request)

        world.aws._carry_out = recording
        live(world, stack)
    return found


def live(world, stack):
    wanted = Wanted("calls", "a", "plain", "ml.g5.xlarge", 1, is_scaled=True)
    world.create(stack, wanted)
    assert stack.status == "CREATE_COMPLETE", world.story
    other = copy.copy(wanted)
    other.instance_type = "ml.g6.xlarge"
    world.aws.containers.outcome = (Health.FAILED, "no capacity")
    world.update(stack, other)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", world.story
    world.aws.containers.outcome = (Health.READY, "")
    world.update(stack, other)
    assert stack.status == "UPDATE_COMPLETE", world.story
    arn = world.aws.sagemaker.endpoints["calls"].arn
    world.aws.sagemaker._tags[arn].clear()  # as the stack that ships with LCA leaves it
    third = copy.copy(other)
    third.count = 2
    third.is_scaled = False
    world.update(stack, third)
    assert stack.status == "UPDATE_COMPLETE", world.story
    world.aws.s3.buckets["plain"].expires_after_days = 30
    world.aws.clock.sleep(20 * 86400)
    world._invoke({"RenewArchive": stack.archive.physical_id, "StackId": stack.identity})
    world.aws.s3.buckets["plain"].expires_after_days = 0
    world.delete(stack)
    assert stack.status == "DELETE_COMPLETE", world.story


def problems(template, needed):
    policy = statements(template, "WhisperDeploymentRole", PARAMETERS)
    missing = sorted({n[0] + " " + n[1] for n in needed if not allows(policy, *n)})
    granted = {action for statement in policy for action in listed(statement["Action"])}
    called = {action for action, _, _ in needed}
    return missing, sorted(granted - called - set(NOT_CALLED_HERE))


def test_what_is_called_is_allowed_and_what_is_allowed_is_called(template, needed):
    assert len({action for action, _, _ in needed}) > 40
    assert problems(template, needed) == ([], [])


def test_reasons_are_for_grants_that_exist(template):
    policy = statements(template, "WhisperDeploymentRole", PARAMETERS)
    granted = {action for statement in policy for action in listed(statement["Action"])}
    assert set(NOT_CALLED_HERE) <= granted


def role_statements(template):
    policies = template["Resources"]["WhisperDeploymentRole"]["Properties"]["Policies"]
    return [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]


def test_a_planted_extra_action_is_noticed(template, needed):
    planted = copy.deepcopy(template)
    role_statements(planted)[0]["Action"].append("logs:DeleteLogGroup")
    assert problems(planted, needed) == ([], ["logs:DeleteLogGroup"])


@pytest.mark.parametrize(
    "action",
    [
        "sagemaker:UpdateEndpoint",
        "sagemaker:ListEndpoints",
        "s3:DeleteObject",
        "application-autoscaling:PutScalingPolicy",
        "logs:PutRetentionPolicy",
    ],
)
def test_a_planted_missing_action_is_noticed(template, needed, action):
    planted = copy.deepcopy(template)
    for statement in role_statements(planted):
        actions = statement.get("Action", [])
        if isinstance(actions, list) and action in actions:
            actions.remove(action)
    missing, _ = problems(planted, needed)
    assert any(line.startswith(f"{action} ") for line in missing)


def test_a_planted_narrower_resource_is_noticed(template, needed):
    planted = copy.deepcopy(template)
    for statement in role_statements(planted):
        if statement.get("Sid") == "ChangeWhatCarriesOurTag":
            statement["Resource"] = statement["Resource"][:1]
    missing, _ = problems(planted, needed)
    assert any(line.startswith("sagemaker:DeleteModel ") for line in missing)
