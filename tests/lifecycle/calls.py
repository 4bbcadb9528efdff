# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the deployment function calls, told by botocore itself, and what IAM asks for each call.

Every invocation is kept with the policy that its role had at that moment: the statements of the
role as it was deployed, in which each reference is resolved. What a call needs is IAM's Service
Authorization Reference.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import moto.backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local_cloud import ACCOUNT_ID
from tests.template.iam import allows, listed

HERE = f"us-east-1:{ACCOUNT_ID}"

S3_ACTIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "GetObject": "GetObject",
    "GetObjectTagging": "GetObjectTagging",
    "HeadObject": "GetObject",
    "ListParts": "ListMultipartUploadParts",
    "PutObject": "PutObject",
    "PutObjectTagging": "PutObjectTagging",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
# What IAM calls the same where a version is named.
S3_VERSION_ACTIONS = {
    "GetObject": "GetObjectVersion",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectTagging": "PutObjectVersionTagging",
}
S3_BUCKET_ACTIONS = {
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjectsV2": "ListBucket",
}


@dataclass(frozen=True)
class Need:
    """One action that a call needs, on one resource."""

    action: str
    resource: str
    context: Mapping[str, str | None] = field(default_factory=dict, compare=False)


@dataclass
class FunctionRun:
    """One run of the function: its role's statements then, and what its calls needed."""

    policy: list[dict[str, Any]]
    needs: list[Need] = field(default_factory=list)


class Calls:
    """The calls of all invocations.

    Parameters
    ----------
    cloud : LocalCloud
        Whose tags are looked at, as IAM does at the moment of a call.
    """

    def __init__(self, cloud):
        self._cloud = cloud
        self.invocations = []
        self._current = None

    def watch(self, session):
        """Have botocore tell of every call by clients that a boto3 session makes from now on."""
        session.events.register("provide-client-params", self._tell)

    def begin(self, role_arn):
        self._current = FunctionRun(_statements(role_arn.rpartition("/")[2]))
        self.invocations.append(self._current)

    def end(self):
        self._current = None

    def _tell(self, params, model, **_):
        service = model.service_model.service_name
        assert self._current, f"{service} {model.name} outside of an invocation"
        self._current.needs.extend(needs(service, model.name, params, self._tags))

    def _tags(self, arn):
        return dict(self._cloud.sagemaker._tags.get(arn, {}))


def missing(invocations):
    """Return the needs that the policy of their moment does not allow."""
    return sorted(
        {
            f"{need.action} {need.resource}"
            for invocation in invocations
            for need in invocation.needs
            if not allows(invocation.policy, need.action, need.resource, need.context)
        }
    )


def unused(invocations):
    """Return what is granted and was never needed: the statement's Sid and the action."""
    granted, used = set(), set()
    for invocation in invocations:
        for statement in invocation.policy:
            pairs = {(statement["Sid"], action) for action in listed(statement["Action"])}
            granted |= pairs
            used |= {
                (statement["Sid"], need.action)
                for need in invocation.needs
                if allows([statement], need.action, need.resource, need.context)
            }
    return granted - used


def needs(service, operation, request, tags_of):
    """Return what one call needs: one call may need several actions."""
    known = {
        "application-autoscaling": _scaling,
        "cloudformation": _cloudformation,
        "cloudwatch": _cloudwatch,
        "dynamodb": _table,
        "events": _events,
        "lambda": _function,
        "logs": _logs,
        "resourcegroupstaggingapi": _tagging,
        "s3": _s3,
        "secretsmanager": _secret,
        "service-quotas": _quotas,
        "sns": _topic,
        "stepfunctions": _states,
    }
    if service in {"sagemaker", "sagemaker-runtime"}:
        return list(_sagemaker(operation, request, tags_of))
    return list(known[service](operation, request))


def _s3(operation, request):
    bucket = f"arn:aws:s3:::{request['Bucket']}"
    here = {"aws:ResourceAccount": ACCOUNT_ID}
    if operation in S3_BUCKET_ACTIONS:
        context = {**here, "s3:prefix": request.get("Prefix")}
        yield Need(f"s3:{S3_BUCKET_ACTIONS[operation]}", bucket, context)
        return
    if operation == "DeleteObjects":
        for item in request["Delete"]["Objects"]:
            yield _deleted(bucket, item)
        return
    if operation == "DeleteObject":
        yield _deleted(bucket, request)
        return
    key = f"{bucket}/{request['Key']}"
    if "CopySource" in request:
        source = request["CopySource"]
        read = f"arn:aws:s3:::{source['Bucket']}/{source['Key']}"
        yield Need(f"s3:{_of_version('GetObject', source)}", read, here)
        if operation == "CopyObject" and request.get("TaggingDirective", "COPY") == "COPY":
            yield Need(f"s3:{_of_version('GetObjectTagging', source)}", read, here)
            yield Need("s3:PutObjectTagging", key, here)
    yield Need(f"s3:{_of_version(S3_ACTIONS[operation], request)}", key, here)
    if request.get("Tagging") and operation != "PutObjectTagging":
        yield Need("s3:PutObjectTagging", key, here)


def _of_version(action, request):
    return S3_VERSION_ACTIONS[action] if request.get("VersionId") else action


def _deleted(bucket, item):
    action = "DeleteObjectVersion" if item.get("VersionId") else "DeleteObject"
    here = {"aws:ResourceAccount": ACCOUNT_ID}
    return Need(f"s3:{action}", f"{bucket}/{item['Key']}", here)


def _sagemaker(operation, request, tags_of):
    if operation.startswith("List") and operation != "ListTags":
        yield Need(f"sagemaker:{operation}", "*")
        return
    arn = request.get("ResourceArn") or _sagemaker_arn(request)
    context = {f"aws:ResourceTag/{key}": value for key, value in tags_of(arn).items()}
    context |= {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in request.get("Tags", [])}
    yield Need(f"sagemaker:{operation}", arn, context)
    if operation.startswith("Create"):
        yield Need("sagemaker:AddTags", arn, {**context, "sagemaker:TaggingAction": operation})
    if operation == "CreateModel":
        service = {"iam:PassedToService": "sagemaker.amazonaws.com"}
        yield Need("iam:PassRole", request["ExecutionRoleArn"], service)
    if operation == "UpdateEndpoint":
        config = _sagemaker_arn({"EndpointConfigName": request["EndpointConfigName"]})
        owner = {f"aws:ResourceTag/{key}": value for key, value in tags_of(config).items()}
        yield Need("sagemaker:UpdateEndpoint", config, owner)


def _sagemaker_arn(request):
    kinds = {"EndpointName": "endpoint", "ModelName": "model"}
    kinds["EndpointConfigName"] = "endpoint-config"
    name, kind = next((name, kind) for name, kind in kinds.items() if name in request)
    return f"arn:aws:sagemaker:{HERE}:{kind}/{request[name].lower()}"


def _scaling(operation, request):
    if operation.startswith("Describe"):
        yield Need(f"application-autoscaling:{operation}", "*")
        return
    target = f"arn:aws:application-autoscaling:{HERE}:scalable-target/0123456789abcdef"
    context = {
        "application-autoscaling:scalable-dimension": request["ScalableDimension"],
        "application-autoscaling:service-namespace": request["ServiceNamespace"],
    }
    yield Need(f"application-autoscaling:{operation}", target, context)


def _cloudformation(operation, request):
    yield Need(f"cloudformation:{operation}", request["StackName"])


def _cloudwatch(operation, request):
    named = [request["AlarmName"]] if "AlarmName" in request else request.get("AlarmNames", ["*"])
    for name in named:
        yield Need(f"cloudwatch:{operation}", f"arn:aws:cloudwatch:{HERE}:alarm:{name}")


def _events(operation, request):
    if operation == "PutEvents":
        yield Need("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/default")
        return
    if operation == "ListRuleNamesByTarget":
        yield Need("events:ListRuleNamesByTarget", "*")
        return
    name = request.get("Rule") or request["Name"]
    yield Need(f"events:{operation}", f"arn:aws:events:{HERE}:rule/{name}")


def _function(operation, request):
    name = request.get("Resource") or request["FunctionName"]
    start = f"arn:aws:lambda:{HERE}:function:"
    yield Need(f"lambda:{operation}", start + name.removeprefix(start))


def _logs(operation, request):
    group = f"arn:aws:logs:{HERE}:log-group:{request['logGroupName']}"
    stream = request.get("logStreamName")
    yield Need(f"logs:{operation}", f"{group}:log-stream:{stream}" if stream else group)


def _table(operation, request):
    if operation == "TransactWriteItems":
        for item in request["TransactItems"]:
            for kind, one in item.items():
                yield from _table(f"{kind}Item", one)
        return
    table = f"arn:aws:dynamodb:{HERE}:table/{request['TableName']}"
    index = request.get("IndexName")
    yield Need(f"dynamodb:{operation}", f"{table}/index/{index}" if index else table)


def _topic(operation, request):
    yield Need(f"sns:{operation}", request["TopicArn"])


def _states(operation, request):
    if operation == "SendTaskSuccess":
        for machine in _waiting_for(request["taskToken"]):
            yield Need("states:SendTaskSuccess", machine)
        return
    arn = request.get("executionArn") or request["stateMachineArn"]
    yield Need(f"states:{operation}", arn)


def _waiting_for(token):
    """Yield the ARN of the state machine that waits for a token, if it still does."""
    backend = stepfunctions_parser_backends[ACCOUNT_ID]["us-east-1"]
    for execution in backend._get_executions("RUNNING"):
        if execution.exec_worker.env.callback_pool_manager.get(token):
            yield execution.state_machine_arn


def _tagging(operation, request):
    del request
    yield Need(f"tag:{operation}", "*")


def _quotas(operation, request):
    del request
    yield Need(f"servicequotas:{operation}", "*")


def _secret(operation, request):
    yield Need(f"secretsmanager:{operation}", request["SecretId"])


def _statements(role_name):
    role = moto.backends.get_backend("iam")[ACCOUNT_ID]["aws"].get_role(role_name)
    managed = [policy.versions[-1].document for policy in role.managed_policies.values()]
    documents = [*role.policies.values(), *managed]
    return [item for document in documents for item in json.loads(document)["Statement"]]
