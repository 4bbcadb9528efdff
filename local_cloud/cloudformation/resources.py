# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The resource types that our template uses, each made through the public API of its service.

The API calls go to this same local cloud, so a resource made here is one that any client finds.
Properties and API parameters have the same names nearly everywhere; what differs is spelt out.
"""

import json
import secrets
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local_cloud import ACCOUNT_ID
from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed, ResourceProvider
from local_cloud.cloudformation.stack import NESTED, Resource, Stack

Clients = Callable[[str], Any]
"""Returns a boto3 client by the name of its service."""

_GONE = {
    "NoSuchBucket",
    "NoSuchEntity",
    "ResourceNotFoundException",
    "ObjectNotFoundException",
    "NoSuchBucketPolicy",
}


class ResourceType:
    """A type that is changed by being made again: written over, or replaced.

    Parameters
    ----------
    clients : callable
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make one, or write it over."""
        raise NotImplementedError

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Change one, or make its replacement."""
        return self.create(stack, wanted)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove one."""
        raise NotImplementedError

    def clean_up(self, current: Resource) -> None:
        """Do nothing: it is no nested stack."""


class Bucket(ResourceType):
    """``AWS::S3::Bucket``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make a bucket, or write its settings again."""
        s3 = self._clients("s3")
        name = (
            wanted.physical_id
            or wanted.properties.get("BucketName")
            or generated_name(stack, wanted, 63)
        )
        if not wanted.physical_id:
            place = {"LocationConstraint": stack.region}
            s3.create_bucket(
                Bucket=name,
                **({} if stack.region == "us-east-1" else {"CreateBucketConfiguration": place}),
            )
        block = wanted.properties.get("PublicAccessBlockConfiguration")
        if block:
            s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
        rules = wanted.properties.get("BucketEncryption", {}).get(
            "ServerSideEncryptionConfiguration"
        )
        if rules:
            renamed = [
                {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
                for rule in rules
            ]
            s3.put_bucket_encryption(
                Bucket=name, ServerSideEncryptionConfiguration={"Rules": renamed}
            )
        return PhysicalResource(name, {"Arn": f"arn:aws:s3:::{name}"})

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove it; like the service, refuses while anything is in it."""
        self._clients("s3").delete_bucket(Bucket=current.physical_id)


class BucketPolicy(ResourceType):
    """``AWS::S3::BucketPolicy``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Write the policy."""
        bucket, policy = wanted.properties["Bucket"], wanted.properties["PolicyDocument"]
        # This cloud speaks plain HTTP: a policy that asks for TLS would shut everybody out.
        kept = [item for item in policy["Statement"] if not _asks_for_tls(item)]
        if kept:
            document = json.dumps({**policy, "Statement": kept})
            self._clients("s3").put_bucket_policy(Bucket=bucket, Policy=document)
        return PhysicalResource(f"{bucket}")

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the policy."""
        self._clients("s3").delete_bucket_policy(Bucket=current.properties["Bucket"])


class Role(ResourceType):
    """``AWS::IAM::Role`` with inline policies."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make the role."""
        iam, properties = self._clients("iam"), wanted.properties
        name = properties.get("RoleName") or generated_name(stack, wanted, 64)
        boundary = properties.get("PermissionsBoundary")
        answer = iam.create_role(
            RoleName=name,
            Path=properties.get("Path", "/"),
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )
        self._write_policies(iam, name, properties)
        return PhysicalResource(
            name, {"Arn": answer["Role"]["Arn"], "RoleId": answer["Role"]["RoleId"]}
        )

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Write trust and inline policies again."""
        iam, name = self._clients("iam"), current.physical_id
        trust = json.dumps(wanted.properties["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        # Only its own: another resource may have written policies into the same role.
        for policy in current.properties.get("Policies", []):
            iam.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])
        self._write_policies(iam, name, wanted.properties)
        return PhysicalResource(name, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the role and its inline policies."""
        iam = self._clients("iam")
        self._delete_policies(iam, current.physical_id)
        iam.delete_role(RoleName=current.physical_id)

    def _write_policies(self, iam: Any, name: str, properties: dict[str, Any]) -> None:
        for policy in properties.get("Policies", []):
            iam.put_role_policy(
                RoleName=name,
                PolicyName=policy["PolicyName"],
                PolicyDocument=json.dumps(policy["PolicyDocument"]),
            )

    def _delete_policies(self, iam: Any, name: str) -> None:
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)


class RolePolicy(ResourceType):
    """``AWS::IAM::Policy`` for roles."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Write the policy into every role."""
        name = wanted.properties["PolicyName"]
        for role in wanted.properties["Roles"]:
            self._clients("iam").put_role_policy(
                RoleName=role,
                PolicyName=name,
                PolicyDocument=json.dumps(wanted.properties["PolicyDocument"]),
            )
        return PhysicalResource(name)

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove it from every role."""
        for role in current.properties["Roles"]:
            self._clients("iam").delete_role_policy(RoleName=role, PolicyName=current.physical_id)


class LogGroup(ResourceType):
    """``AWS::Logs::LogGroup``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make the group."""
        name = wanted.properties.get("LogGroupName") or generated_name(stack, wanted, 512)
        self._clients("logs").create_log_group(logGroupName=name)
        self._retain(name, wanted)
        arn = f"arn:aws:logs:{stack.region}:{ACCOUNT_ID}:log-group:{name}:*"
        return PhysicalResource(name, {"Arn": arn})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Change the retention; another name means another group."""
        name = wanted.properties.get("LogGroupName", current.physical_id)
        if name != current.physical_id:
            return self.create(stack, wanted)
        self._retain(name, wanted)
        return PhysicalResource(name, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the group."""
        self._clients("logs").delete_log_group(logGroupName=current.physical_id)

    def _retain(self, name: str, wanted: Resource) -> None:
        days = wanted.properties.get("RetentionInDays")
        if days:
            self._clients("logs").put_retention_policy(logGroupName=name, retentionInDays=int(days))


class LayerVersion(ResourceType):
    """``AWS::Lambda::LayerVersion``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Publish a version."""
        properties = {"LayerName": f"{stack.name}-{wanted.logical_id}", **wanted.properties}
        arn = self._clients("lambda").publish_layer_version(**properties)["LayerVersionArn"]
        return PhysicalResource(arn, {"LayerVersionArn": arn})

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the version."""
        layer, _, version = current.physical_id.rpartition(":")
        self._clients("lambda").delete_layer_version(
            LayerName=layer.rpartition(":")[2], VersionNumber=int(version)
        )


class Function(ResourceType):
    """``AWS::Lambda::Function``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make the function."""
        name = wanted.properties.get("FunctionName") or generated_name(stack, wanted, 64)
        request = {"FunctionName": name, **_function_request(wanted)}
        arn = self._clients("lambda").create_function(**request)["FunctionArn"]
        return PhysicalResource(name, {"Arn": arn})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Change code and configuration; the ARN stays."""
        client, request = self._clients("lambda"), _function_request(wanted)
        code = request.pop("Code")
        request.pop("Architectures", None)
        client.update_function_code(FunctionName=current.physical_id, **code)
        client.update_function_configuration(FunctionName=current.physical_id, **request)
        return PhysicalResource(current.physical_id, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the function."""
        self._clients("lambda").delete_function(FunctionName=current.physical_id)


class EventInvokeConfig(ResourceType):
    """``AWS::Lambda::EventInvokeConfig``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Write how asynchronous invocations are retried."""
        self._clients("lambda").put_function_event_invoke_config(
            **{
                key: int(value) if key.startswith("Maximum") else value
                for key, value in wanted.properties.items()
                if key != "Qualifier"
            }
        )
        return PhysicalResource(wanted.properties["FunctionName"])

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove it."""
        self._clients("lambda").delete_function_event_invoke_config(
            FunctionName=current.physical_id
        )


class ScalableTarget(ResourceType):
    """``AWS::ApplicationAutoScaling::ScalableTarget``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Register the target, or change its limits."""
        properties = {
            key: int(value) if key.endswith("Capacity") else value
            for key, value in wanted.properties.items()
            if key != "RoleARN"
        }
        self._require_endpoint(wanted)
        self._clients("application-autoscaling").register_scalable_target(**properties)
        place = ("ResourceId", "ScalableDimension", "ServiceNamespace")
        return PhysicalResource("|".join(wanted.properties[key] for key in place))

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Deregister the target."""
        place = ("ResourceId", "ScalableDimension", "ServiceNamespace")
        self._clients("application-autoscaling").deregister_scalable_target(
            **{key: current.properties[key] for key in place}
        )

    def _require_endpoint(self, wanted: Resource) -> None:
        """Refuse a variant that does not exist, as the service does and moto does not."""
        _, endpoint, _, _ = wanted.properties["ResourceId"].split("/")
        self._clients("sagemaker").describe_endpoint(EndpointName=endpoint)


class ScalingPolicy(ResourceType):
    """``AWS::ApplicationAutoScaling::ScalingPolicy``; its name is create-only."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Write the policy."""
        request = {**wanted.properties}
        target = request.pop("ScalingTargetId", "")
        if target:
            place = ("ResourceId", "ScalableDimension", "ServiceNamespace")
            request |= dict(zip(place, target.split("|"), strict=True))
        request["TargetTrackingScalingPolicyConfiguration"] = _numbers(
            request["TargetTrackingScalingPolicyConfiguration"]
        )
        answer = self._clients("application-autoscaling").put_scaling_policy(**request)
        return PhysicalResource(
            answer["PolicyARN"], {"Arn": answer["PolicyARN"], "Request": request}
        )

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Write it again under its name; another name means another policy."""
        made = self.create(stack, wanted)
        key = ("PolicyName", "ResourceId")
        old, new = current.attributes["Request"], made.attributes["Request"]
        if [old[part] for part in key] != [new[part] for part in key]:
            return made
        return PhysicalResource(current.physical_id, {"Arn": current.physical_id, "Request": new})

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the policy of that name, though it may have been made again since."""
        place = ("PolicyName", "ResourceId", "ScalableDimension", "ServiceNamespace")
        request = current.attributes["Request"]
        self._clients("application-autoscaling").delete_scaling_policy(
            **{key: request[key] for key in place}
        )


class EventsRule(ResourceType):
    """``AWS::Events::Rule`` on a schedule; nothing fires it here."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make the rule, or write it again."""
        properties = wanted.properties
        name = wanted.physical_id or properties.get("Name") or generated_name(stack, wanted, 64)
        arn = self._clients("events").put_rule(
            Name=name,
            ScheduleExpression=properties["ScheduleExpression"],
            Description=properties.get("Description", ""),
        )["RuleArn"]
        self._clients("events").put_targets(Rule=name, Targets=properties["Targets"])
        return PhysicalResource(name, {"Arn": arn})

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the rule with its targets."""
        ids = [target["Id"] for target in current.properties["Targets"]]
        self._clients("events").remove_targets(Rule=current.physical_id, Ids=ids)
        self._clients("events").delete_rule(Name=current.physical_id)


class FunctionPermission(ResourceType):
    """``AWS::Lambda::Permission``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Add a statement to the function's policy."""
        identity = generated_name(stack, wanted, 100)
        self._clients("lambda").add_permission(StatementId=identity, **wanted.properties)
        return PhysicalResource(identity)

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the statement."""
        self._clients("lambda").remove_permission(
            FunctionName=current.properties["FunctionName"], StatementId=current.physical_id
        )


class Alarm(ResourceType):
    """``AWS::CloudWatch::Alarm``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Make the alarm, or write it again."""
        request = _typed(wanted.properties)
        self._clients("cloudwatch").put_metric_alarm(**request)
        return PhysicalResource(request["AlarmName"])

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the alarm."""
        self._clients("cloudwatch").delete_alarms(AlarmNames=[current.physical_id])


class Dashboard(ResourceType):
    """``AWS::CloudWatch::Dashboard``."""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Make the dashboard, or write it again; refuses a body that is not JSON."""
        name, body = wanted.properties["DashboardName"], wanted.properties["DashboardBody"]
        try:
            json.loads(body)
        except ValueError as error:
            raise ResourceFailed(f"The dashboard's body is not JSON: {error}") from error
        self._clients("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
        return PhysicalResource(name)

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove the dashboard."""
        self._clients("cloudwatch").delete_dashboards(DashboardNames=[current.physical_id])


TYPES: dict[str, type[ResourceType]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ScalableTarget,
    "AWS::ApplicationAutoScaling::ScalingPolicy": ScalingPolicy,
    "AWS::CloudWatch::Alarm": Alarm,
    "AWS::CloudWatch::Dashboard": Dashboard,
    "AWS::Events::Rule": EventsRule,
    "AWS::IAM::Policy": RolePolicy,
    "AWS::IAM::Role": Role,
    "AWS::Lambda::EventInvokeConfig": EventInvokeConfig,
    "AWS::Lambda::Function": Function,
    "AWS::Lambda::LayerVersion": LayerVersion,
    "AWS::Lambda::Permission": FunctionPermission,
    "AWS::Logs::LogGroup": LogGroup,
    "AWS::S3::Bucket": Bucket,
    "AWS::S3::BucketPolicy": BucketPolicy,
}


class ResourceRegistry:
    """Makes resources of every type in ``TYPES``, custom resources and nested stacks.

    Parameters
    ----------
    clients : callable
    custom : ResourceProvider
        Makes every ``Custom::…``.
    nested : ResourceProvider
        Makes every ``AWS::CloudFormation::Stack``.
    """

    def __init__(
        self, clients: Clients, custom: ResourceProvider, nested: ResourceProvider
    ) -> None:
        self._custom = custom
        self._types: dict[str, ResourceProvider] = {NESTED: nested}
        self._types |= {name: resource_type(clients) for name, resource_type in TYPES.items()}

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make a resource; raises ResourceFailed."""
        try:
            return self._provider(wanted).create(stack, wanted)
        except ClientError as error:
            raise ResourceFailed(str(error)) from error

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Change a resource; raises ResourceFailed."""
        try:
            return self._provider(wanted).update(stack, current, wanted)
        except ClientError as error:
            raise ResourceFailed(str(error), current.physical_id) from error

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove a resource; raises ResourceFailed."""
        try:
            self._provider(current).delete(stack, current)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise ResourceFailed(str(error)) from error

    def clean_up(self, current: Resource) -> None:
        """Clean up in a nested stack."""
        self._provider(current).clean_up(current)

    def _provider(self, resource: Resource) -> ResourceProvider:
        if resource.is_custom:
            return self._custom
        if resource.resource_type not in self._types:
            raise ResourceFailed(f"The local cloud cannot make a {resource.resource_type}")
        return self._types[resource.resource_type]


def _asks_for_tls(statement: dict[str, Any]) -> bool:
    return "aws:SecureTransport" in json.dumps(statement.get("Condition", {}))


def generated_name(stack: Stack, wanted: Resource, limit: int) -> str:
    """Return a name as CloudFormation makes it: stack, logical id, random characters.

    Parameters
    ----------
    stack : Stack
    wanted : Resource
    limit : int
        Most characters that the service takes.

    Returns
    -------
    str
    """
    suffix = f"-{wanted.logical_id}-{secrets.token_hex(6)}"
    name = stack.name[: max(limit - len(suffix), 0)] + suffix
    return name.lower()[-limit:].strip("-") if limit == 63 else name[-limit:]


def _function_request(wanted: Resource) -> dict[str, Any]:
    properties = {**wanted.properties}
    properties.pop("FunctionName", None)
    for key in ("Tags", "LoggingConfig", "ReservedConcurrentExecutions"):
        properties.pop(key, None)
    for key in ("Timeout", "MemorySize"):
        if key in properties:
            properties[key] = int(properties[key])
    return properties


def _typed(properties: dict[str, Any]) -> dict[str, Any]:
    """Return an alarm's properties with numbers where the API wants numbers."""
    numbers = ("EvaluationPeriods", "DatapointsToAlarm", "Period")
    typed = {**properties}
    for key in (*numbers, "Threshold"):
        if key in typed:
            typed[key] = int(typed[key]) if key in numbers else float(typed[key])
    return typed


def _numbers(configuration: dict[str, Any]) -> dict[str, Any]:
    converted = {**configuration}
    converted["TargetValue"] = float(converted["TargetValue"])
    for key in ("ScaleInCooldown", "ScaleOutCooldown"):
        if key in converted:
            converted[key] = int(converted[key])
    return converted
