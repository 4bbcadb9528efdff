# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Count everything in the local cloud that would cost money or block a name."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from local_cloud.server import LocalCloud


def take(cloud: LocalCloud) -> Counter[str]:
    """Return counts by kind, without zeros."""
    counts: Counter[str] = Counter()
    for kind, items in _listed(cloud):
        counts[kind] += len(items)
    counts.update(cloud.sagemaker.counts())
    counts["stacks"] = len(cloud.cloudformation.stacks())
    counts["processes"] = len(cloud.processes())
    return +counts


def _listed(cloud: LocalCloud) -> Iterator[tuple[str, list[Any]]]:
    s3 = cloud.client("s3")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    yield "S3 buckets", buckets
    for bucket in buckets:
        pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket))
        yield "S3 object versions", [item for page in pages for item in page.get("Versions", [])]
        markers = [item for page in pages for item in page.get("DeleteMarkers", [])]
        yield "S3 delete markers", markers
        yield "S3 unfinished uploads", s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    roles = cloud.client("iam").list_roles()["Roles"]
    yield "IAM roles", roles
    policies = cloud.client("iam").list_policies(Scope="Local")["Policies"]
    yield "IAM policies", policies
    functions = cloud.client("lambda")
    yield "Lambda functions", functions.list_functions()["Functions"]
    for layer in functions.list_layers()["Layers"]:
        versions = functions.list_layer_versions(LayerName=layer["LayerName"])["LayerVersions"]
        yield "Lambda layer versions", versions
    yield "log groups", cloud.client("logs").describe_log_groups()["logGroups"]
    yield "EventBridge rules", cloud.client("events").list_rules()["Rules"]
    scaling = cloud.client("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    yield "scalable targets", targets
    scaled = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    yield "scaling policies", scaled
    watch = cloud.client("cloudwatch")
    yield "CloudWatch alarms", watch.describe_alarms()["MetricAlarms"]
    yield "dashboards", watch.list_dashboards()["DashboardEntries"]
    yield "DynamoDB tables", cloud.client("dynamodb").list_tables()["TableNames"]
    yield "SNS topics", cloud.client("sns").list_topics()["Topics"]
    yield "SNS subscriptions", cloud.client("sns").list_subscriptions()["Subscriptions"]
    yield "SQS queues", cloud.client("sqs").list_queues().get("QueueUrls", [])
    yield "event sources", functions.list_event_source_mappings()["EventSourceMappings"]
    yield "secrets", cloud.client("secretsmanager").list_secrets()["SecretList"]
    yield "HTTP APIs", cloud.client("apigatewayv2").get_apis()["Items"]
    yield "state machines", cloud.client("stepfunctions").list_state_machines()["stateMachines"]
