# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The deployment function is allowed what its code calls, and nothing else."""

import ast
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from tests.template.iam import listed, statements
from tests.template.parameter_sets import SETS

ROOT = Path(__file__).parents[2]
SERVICES = (
    "application-autoscaling",
    "cloudformation",
    "cloudwatch",
    "events",
    "lambda",
    "logs",
    "resourcegroupstaggingapi",
    "s3",
    "sagemaker",
    "sagemaker-runtime",
    "secretsmanager",
    "service-quotas",
)
TRANSFERS = {"copy", "download_file", "download_fileobj", "upload_file", "upload_fileobj"}

CREATE = "sagemaker:AddTags"  # a request that creates with tags is authorized for both
ACTIONS = {
    "abort_multipart_upload": ["s3:AbortMultipartUpload"],
    "add_tags": ["sagemaker:AddTags"],
    "complete_multipart_upload": ["s3:PutObject"],
    # Its tags are always given anew, so the source's are not read.
    "copy": [
        "s3:GetObject",
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:PutObjectVersionTagging",
    ],
    "create_endpoint": ["sagemaker:CreateEndpoint", CREATE],
    "create_endpoint_config": ["sagemaker:CreateEndpointConfig", CREATE],
    "create_model": ["sagemaker:CreateModel", CREATE],
    "create_multipart_upload": ["s3:PutObject"],
    "delete_endpoint": ["sagemaker:DeleteEndpoint"],
    "delete_endpoint_config": ["sagemaker:DeleteEndpointConfig"],
    "delete_model": ["sagemaker:DeleteModel"],
    "delete_object": ["s3:DeleteObject"],
    "delete_objects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "delete_rule": ["events:DeleteRule"],
    "delete_tags": ["sagemaker:DeleteTags"],
    "describe_endpoint": ["sagemaker:DescribeEndpoint"],
    "describe_endpoint_config": ["sagemaker:DescribeEndpointConfig"],
    "describe_model": ["sagemaker:DescribeModel"],
    "deregister_scalable_target": ["application-autoscaling:DeregisterScalableTarget"],
    "describe_alarms": ["cloudwatch:DescribeAlarms"],
    "describe_log_streams": ["logs:DescribeLogStreams"],
    "describe_scalable_targets": ["application-autoscaling:DescribeScalableTargets"],
    "describe_scaling_policies": ["application-autoscaling:DescribeScalingPolicies"],
    "describe_scheduled_actions": ["application-autoscaling:DescribeScheduledActions"],
    "describe_stacks": ["cloudformation:DescribeStacks"],
    "get_bucket_location": ["s3:GetBucketLocation"],
    "get_bucket_notification_configuration": ["s3:GetBucketNotification"],
    "get_log_events": ["logs:GetLogEvents"],
    "get_object": ["s3:GetObject"],
    "get_object_tagging": ["s3:GetObjectTagging"],
    "get_resources": ["tag:GetResources"],
    "get_secret_value": ["secretsmanager:GetSecretValue"],
    "head_object": ["s3:GetObject"],
    "invoke_endpoint": ["sagemaker:InvokeEndpoint"],
    "invoke_endpoint_async": ["sagemaker:InvokeEndpointAsync"],
    "list_endpoint_configs": ["sagemaker:ListEndpointConfigs"],
    "list_models": ["sagemaker:ListModels"],
    "list_multipart_uploads": ["s3:ListBucketMultipartUploads"],
    "list_object_versions": ["s3:ListBucketVersions"],
    "list_objects_v2": ["s3:ListBucket"],
    "list_parts": ["s3:ListMultipartUploadParts"],
    "list_rule_names_by_target": ["events:ListRuleNamesByTarget"],
    "list_service_quotas": ["servicequotas:ListServiceQuotas"],
    "list_tags": ["sagemaker:ListTags", "lambda:ListTags"],
    "list_targets_by_rule": ["events:ListTargetsByRule"],
    "put_metric_alarm": ["cloudwatch:PutMetricAlarm"],
    "put_object": ["s3:PutObject"],
    "put_object_tagging": ["s3:PutObjectTagging"],
    "put_retention_policy": ["logs:PutRetentionPolicy"],
    "put_scaling_policy": ["application-autoscaling:PutScalingPolicy"],
    "put_scheduled_action": ["application-autoscaling:PutScheduledAction"],
    "register_scalable_target": ["application-autoscaling:RegisterScalableTarget"],
    "remove_permission": ["lambda:RemovePermission"],
    "remove_targets": ["events:RemoveTargets"],
    "tag_resource": ["lambda:TagResource"],
    "untag_resource": ["lambda:UntagResource"],
    "update_endpoint": ["sagemaker:UpdateEndpoint"],
    "upload_file": ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"],
    "upload_part": ["s3:PutObject"],
}

FOR_RECORDINGS = {
    "get_bucket_notification_configuration",
    "invoke_endpoint_async",
    "put_metric_alarm",
}
"""Called for an asynchronous endpoint alone, whose own stack grants it."""

WITHOUT_A_CALL = {
    "kms:CreateGrant": "SageMaker: the key is named in CreateEndpointConfig",
    "kms:Decrypt": "S3: objects under the key are read, and parts joined; the hub's token too",
    "kms:GenerateDataKey": "S3: objects under the key are written",
    "iam:PassRole": "SageMaker: the execution role is named in CreateModel",
    "logs:CreateLogStream": "Lambda: the function's own log",
    "logs:PutLogEvents": "Lambda: the function's own log",
    "events:PutRule": "crhelper: polling",
    "events:PutTargets": "crhelper: polling",
    "lambda:AddPermission": "crhelper: polling",
}


@cache  # reading the services' models takes seconds
def known_operations():
    session = botocore.session.get_session()
    models = (session.get_service_model(service) for service in SERVICES)
    return TRANSFERS.union(*([xform_name(n) for n in model.operation_names] for model in models))


def operations_in(source):
    """Return the AWS operations that a program names: as methods, and for paginators as texts."""
    known, found = known_operations(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found & known


def called():
    files = [
        *(ROOT / "deploy_whisper").rglob("*.py"),
        *(ROOT / "layers/dependencies/whisper_sagemaker").glob("*.py"),
    ]
    assert len(files) > 5
    return set().union(*(operations_in(path.read_text()) for path in files))


def granted(template):
    policy = statements(template, "WhisperDeploymentRole", SETS["everything"].parameters)
    return {action for statement in policy for action in listed(statement["Action"])}


def test_what_each_operation_needs_is_known():
    assert called() <= set(ACTIONS)


def test_granted_is_what_is_called(template):
    operations = called() - FOR_RECORDINGS
    needed = {action for operation in operations for action in ACTIONS[operation]}
    assert granted(template) == needed | set(WITHOUT_A_CALL)


@pytest.mark.parametrize(
    ("source", "operation"),
    [
        ("boto3.client('logs').filter_log_events(logGroupName=name)", "filter_log_events"),
        ("client.get_paginator('list_images')", "list_images"),
        ("retry(client.delete_scaling_policy)", "delete_scaling_policy"),
    ],
)
def test_another_call_is_noticed(source, operation):
    assert operations_in(source) == {operation}
    assert operation not in ACTIONS
