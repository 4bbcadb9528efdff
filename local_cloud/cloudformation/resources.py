# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The resource types that our template uses, each made through the public API of its service.

The API calls go to this same local cloud, so a resource made here is one that any client finds.
Properties and API parameters have the same names nearly everywhere; what differs is spelt out.
"""

import json
import secrets
from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import ClientError

from local_cloud import ACCOUNT_ID
from local_cloud.cloudformation.stacks import NESTED, Made, Resource, ResourceFailed, Stack

Clients = Callable[[str], Any]
"""Returns a boto3 client by the name of its service."""

_GONE = {
    "NoSuchBucket",
    "NoSuchEntity",
    "ResourceNotFoundException",
    "ObjectNotFoundException",
    "NoSuchBucketPolicy",
}


class ResourceType(Protocol):
    """How resources of one type are made."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Make one."""

    def update(self, clients: Clients, stack: Stack, current: Resource, wanted: Resource) -> Made:
        """Change one, or make its replacement."""

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove one."""


class Replaceable:
    """A type of which any change means another one."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Make one."""
        raise NotImplementedError

    def update(self, clients: Clients, stack: Stack, current: Resource, wanted: Resource) -> Made:  # noqa: ARG002
        """Make the replacement; the old one is removed when the whole update has succeeded."""
        return self.create(clients, stack, wanted)


class Overwritable:
    """A type that is changed by being written again."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Make one."""
        raise NotImplementedError

    def update(self, clients: Clients, stack: Stack, current: Resource, wanted: Resource) -> Made:  # noqa: ARG002
        """Write it again."""
        return self.create(clients, stack, wanted)


class Bucket(Overwritable):
    """``AWS::S3::Bucket``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Make a bucket, or write its settings again."""
        s3 = clients("s3")
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
        return Made(name, {"Arn": f"arn:aws:s3:::{name}"})

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove it; like the service, refuses while anything is in it."""
        clients("s3").delete_bucket(Bucket=current.physical_id)


class BucketPolicy(Overwritable):
    """``AWS::S3::BucketPolicy``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:  # noqa: ARG002
        """Write the policy."""
        bucket, policy = wanted.properties["Bucket"], wanted.properties["PolicyDocument"]
        # This cloud speaks plain HTTP: a policy that asks for TLS would shut everybody out.
        kept = [item for item in policy["Statement"] if not _asks_for_tls(item)]
        if kept:
            document = json.dumps({**policy, "Statement": kept})
            clients("s3").put_bucket_policy(Bucket=bucket, Policy=document)
        return Made(f"{bucket}")

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the policy."""
        clients("s3").delete_bucket_policy(Bucket=current.properties["Bucket"])


class Role:
    """``AWS::IAM::Role`` with inline policies."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Make the role."""
        iam, properties = clients("iam"), wanted.properties
        name = properties.get("RoleName") or generated_name(stack, wanted, 64)
        boundary = properties.get("PermissionsBoundary")
        answer = iam.create_role(
            RoleName=name,
            Path=properties.get("Path", "/"),
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )
        self._write_policies(iam, name, properties)
        return Made(name, {"Arn": answer["Role"]["Arn"], "RoleId": answer["Role"]["RoleId"]})

    def update(self, clients: Clients, stack: Stack, current: Resource, wanted: Resource) -> Made:  # noqa: ARG002
        """Write trust and inline policies again."""
        iam, name = clients("iam"), current.physical_id
        trust = json.dumps(wanted.properties["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        # Only its own: another resource may have written policies into the same role.
        for policy in current.properties.get("Policies", []):
            iam.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])
        self._write_policies(iam, name, wanted.properties)
        return Made(name, current.attributes)

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the role and its inline policies."""
        iam = clients("iam")
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


class RolePolicy(Overwritable):
    """``AWS::IAM::Policy`` for roles."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:  # noqa: ARG002
        """Write the policy into every role."""
        name = wanted.properties["PolicyName"]
        for role in wanted.properties["Roles"]:
            clients("iam").put_role_policy(
                RoleName=role,
                PolicyName=name,
                PolicyDocument=json.dumps(wanted.properties["PolicyDocument"]),
            )
        return Made(name)

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove it from every role."""
        for role in current.properties["Roles"]:
            clients("iam").delete_role_policy(RoleName=role, PolicyName=current.physical_id)


class LogGroup:
    """``AWS::Logs::LogGroup``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Make the group."""
        name = wanted.properties.get("LogGroupName") or generated_name(stack, wanted, 512)
        clients("logs").create_log_group(logGroupName=name)
        self._retain(clients, name, wanted)
        arn = f"arn:aws:logs:{stack.region}:{ACCOUNT_ID}:log-group:{name}:*"
        return Made(name, {"Arn": arn})

    def update(self, clients: Clients, stack: Stack, current: Resource, wanted: Resource) -> Made:
        """Change the retention; another name means another group."""
        name = wanted.properties.get("LogGroupName", current.physical_id)
        if name != current.physical_id:
            return self.create(clients, stack, wanted)
        self._retain(clients, name, wanted)
        return Made(name, current.attributes)

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the group."""
        clients("logs").delete_log_group(logGroupName=current.physical_id)

    def _retain(self, clients: Clients, name: str, wanted: Resource) -> None:
        days = wanted.properties.get("RetentionInDays")
        if days:
            clients("logs").put_retention_policy(logGroupName=name, retentionInDays=int(days))


class LayerVersion(Replaceable):
    """``AWS::Lambda::LayerVersion``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Publish a version."""
        properties = {"LayerName": f"{stack.name}-{wanted.logical_id}", **wanted.properties}
        arn = clients("lambda").publish_layer_version(**properties)["LayerVersionArn"]
        return Made(arn, {"LayerVersionArn": arn})

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the version."""
        layer, _, version = current.physical_id.rpartition(":")
        clients("lambda").delete_layer_version(
            LayerName=layer.rpartition(":")[2], VersionNumber=int(version)
        )


class Function:
    """``AWS::Lambda::Function``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Make the function."""
        name = wanted.properties.get("FunctionName") or generated_name(stack, wanted, 64)
        request = {"FunctionName": name, **_function_request(wanted)}
        arn = clients("lambda").create_function(**request)["FunctionArn"]
        return Made(name, {"Arn": arn})

    def update(self, clients: Clients, stack: Stack, current: Resource, wanted: Resource) -> Made:  # noqa: ARG002
        """Change code and configuration; the ARN stays."""
        client, request = clients("lambda"), _function_request(wanted)
        code = request.pop("Code")
        request.pop("Architectures", None)
        client.update_function_code(FunctionName=current.physical_id, **code)
        client.update_function_configuration(FunctionName=current.physical_id, **request)
        return Made(current.physical_id, current.attributes)

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the function."""
        clients("lambda").delete_function(FunctionName=current.physical_id)


class EventInvokeConfig(Overwritable):
    """``AWS::Lambda::EventInvokeConfig``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:  # noqa: ARG002
        """Write how asynchronous invocations are retried."""
        clients("lambda").put_function_event_invoke_config(
            **{
                key: int(value) if key.startswith("Maximum") else value
                for key, value in wanted.properties.items()
                if key != "Qualifier"
            }
        )
        return Made(wanted.properties["FunctionName"])

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove it."""
        clients("lambda").delete_function_event_invoke_config(FunctionName=current.physical_id)


class ScalableTarget(Overwritable):
    """``AWS::ApplicationAutoScaling::ScalableTarget``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:  # noqa: ARG002
        """Register the target, or change its limits."""
        properties = {
            key: int(value) if key.endswith("Capacity") else value
            for key, value in wanted.properties.items()
            if key != "RoleARN"
        }
        self._require_endpoint(clients, wanted)
        clients("application-autoscaling").register_scalable_target(**properties)
        place = ("ResourceId", "ScalableDimension", "ServiceNamespace")
        return Made("|".join(wanted.properties[key] for key in place))

    def delete(self, clients: Clients, current: Resource) -> None:
        """Deregister the target."""
        place = ("ResourceId", "ScalableDimension", "ServiceNamespace")
        clients("application-autoscaling").deregister_scalable_target(
            **{key: current.properties[key] for key in place}
        )

    def _require_endpoint(self, clients: Clients, wanted: Resource) -> None:
        """Refuse a variant that does not exist, as the service does and moto does not."""
        _, endpoint, _, _ = wanted.properties["ResourceId"].split("/")
        clients("sagemaker").describe_endpoint(EndpointName=endpoint)


class ScalingPolicy:
    """``AWS::ApplicationAutoScaling::ScalingPolicy``; its name is create-only."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:  # noqa: ARG002
        """Write the policy."""
        request = {**wanted.properties}
        target = request.pop("ScalingTargetId", "")
        if target:
            place = ("ResourceId", "ScalableDimension", "ServiceNamespace")
            request |= dict(zip(place, target.split("|"), strict=True))
        request["TargetTrackingScalingPolicyConfiguration"] = _numbers(
            request["TargetTrackingScalingPolicyConfiguration"]
        )
        answer = clients("application-autoscaling").put_scaling_policy(**request)
        return Made(answer["PolicyARN"], {"Arn": answer["PolicyARN"], "Request": request})

    def update(self, clients: Clients, stack: Stack, current: Resource, wanted: Resource) -> Made:
        """Write it again under its name; another name means another policy."""
        made = self.create(clients, stack, wanted)
        key = ("PolicyName", "ResourceId")
        old, new = current.attributes["Request"], made.attributes["Request"]
        if [old[part] for part in key] != [new[part] for part in key]:
            return made
        return Made(current.physical_id, {"Arn": current.physical_id, "Request": new})

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the policy of that name, though it may have been made again since."""
        place = ("PolicyName", "ResourceId", "ScalableDimension", "ServiceNamespace")
        request = current.attributes["Request"]
        clients("application-autoscaling").delete_scaling_policy(
            **{key: request[key] for key in place}
        )


class EventsRule(Overwritable):
    """``AWS::Events::Rule`` on a schedule; nothing fires it here."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Make the rule, or write it again."""
        properties = wanted.properties
        name = wanted.physical_id or properties.get("Name") or generated_name(stack, wanted, 64)
        arn = clients("events").put_rule(
            Name=name,
            ScheduleExpression=properties["ScheduleExpression"],
            Description=properties.get("Description", ""),
        )["RuleArn"]
        clients("events").put_targets(Rule=name, Targets=properties["Targets"])
        return Made(name, {"Arn": arn})

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the rule with its targets."""
        ids = [target["Id"] for target in current.properties["Targets"]]
        clients("events").remove_targets(Rule=current.physical_id, Ids=ids)
        clients("events").delete_rule(Name=current.physical_id)


class FunctionPermission(Replaceable):
    """``AWS::Lambda::Permission``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:
        """Add a statement to the function's policy."""
        identity = generated_name(stack, wanted, 100)
        clients("lambda").add_permission(StatementId=identity, **wanted.properties)
        return Made(identity)

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the statement."""
        clients("lambda").remove_permission(
            FunctionName=current.properties["FunctionName"], StatementId=current.physical_id
        )


class Alarm(Overwritable):
    """``AWS::CloudWatch::Alarm``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:  # noqa: ARG002
        """Make the alarm, or write it again."""
        request = _typed(wanted.properties)
        clients("cloudwatch").put_metric_alarm(**request)
        return Made(request["AlarmName"])

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the alarm."""
        clients("cloudwatch").delete_alarms(AlarmNames=[current.physical_id])


class Dashboard(Overwritable):
    """``AWS::CloudWatch::Dashboard``."""

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:  # noqa: ARG002
        """Make the dashboard, or write it again; refuses a body that is not JSON."""
        name, body = wanted.properties["DashboardName"], wanted.properties["DashboardBody"]
        try:
            json.loads(body)
        except ValueError as error:
            raise ResourceFailed(f"The dashboard's body is not JSON: {error}") from error
        clients("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
        return Made(name)

    def delete(self, clients: Clients, current: Resource) -> None:
        """Remove the dashboard."""
        clients("cloudwatch").delete_dashboards(DashboardNames=[current.physical_id])


TYPES: dict[str, ResourceType] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ScalableTarget(),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ScalingPolicy(),
    "AWS::CloudWatch::Alarm": Alarm(),
    "AWS::CloudWatch::Dashboard": Dashboard(),
    "AWS::Events::Rule": EventsRule(),
    "AWS::IAM::Policy": RolePolicy(),
    "AWS::IAM::Role": Role(),
    "AWS::Lambda::EventInvokeConfig": EventInvokeConfig(),
    "AWS::Lambda::Function": Function(),
    "AWS::Lambda::LayerVersion": LayerVersion(),
    "AWS::Lambda::Permission": FunctionPermission(),
    "AWS::Logs::LogGroup": LogGroup(),
    "AWS::S3::Bucket": Bucket(),
    "AWS::S3::BucketPolicy": BucketPolicy(),
}


class NestedType(ResourceType, Protocol):
    """How stacks within stacks are made."""

    def finish(self, current: Resource) -> None:
        """Clean up after an update of the whole."""


class ResourceProvider:
    """Makes resources of every type in ``TYPES``, custom resources and nested stacks.

    Parameters
    ----------
    clients : callable
    custom : ResourceType
        Makes every ``Custom::…``.
    nested : NestedType
        Makes every ``AWS::CloudFormation::Stack``.
    """

    def __init__(self, clients: Clients, custom: ResourceType, nested: NestedType) -> None:
        self._clients = clients
        self._custom = custom
        self._nested = nested

    def create(self, stack: Stack, wanted: Resource) -> Made:
        """Make a resource; raises ResourceFailed."""
        try:
            return self._type(wanted.kind).create(self._clients, stack, wanted)
        except ClientError as error:
            raise ResourceFailed(str(error)) from error

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> Made:
        """Change a resource; raises ResourceFailed."""
        try:
            return self._type(wanted.kind).update(self._clients, stack, current, wanted)
        except ClientError as error:
            raise ResourceFailed(str(error), current.physical_id) from error

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Remove a resource; raises ResourceFailed."""
        try:
            self._type(current.kind).delete(self._clients, current)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise ResourceFailed(str(error)) from error

    def finish(self, current: Resource) -> None:
        """Clean up in a nested stack."""
        self._nested.finish(current)

    def _type(self, kind: str) -> ResourceType:
        if kind.startswith("Custom::"):
            return self._custom
        if kind == NESTED:
            return self._nested
        if kind not in TYPES:
            raise ResourceFailed(f"The local cloud cannot make a {kind}")
        return TYPES[kind]


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
