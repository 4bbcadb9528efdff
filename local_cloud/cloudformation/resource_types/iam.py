# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""IAM roles and policies; not enforced."""

import json
from collections.abc import Iterable
from typing import Any

from local_cloud.cloudformation.properties import names
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import ServiceResource, generated_name
from local_cloud.cloudformation.stack import Resource, Stack


class Role(ServiceResource):
    """``AWS::IAM::Role`` with inline policies."""

    service = "iam"
    takes = names("RoleName", "Path", "AssumeRolePolicyDocument", "PermissionsBoundary", "Policies")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the role."""
        properties = wanted.properties
        optional = properties.keys() & {"Path", "PermissionsBoundary"}
        role = self.client.create_role(
            RoleName=properties.get("RoleName") or generated_name(stack, wanted, 64),
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            **{key: properties[key] for key in optional},
        )["Role"]
        self._write(role["RoleName"], properties.get("Policies", []))
        return PhysicalResource(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Rewrite the trust policy and inline policies."""
        name = current.physical_id
        trust = json.dumps(wanted.properties["AssumeRolePolicyDocument"])
        self.client.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        # Only its own: other resources may have added policies to the role.
        self._remove(name, (item["PolicyName"] for item in current.properties.get("Policies", [])))
        self._write(name, wanted.properties.get("Policies", []))
        return PhysicalResource(name, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the role and its inline policies."""
        name = current.physical_id
        self._remove(name, self.client.list_role_policies(RoleName=name)["PolicyNames"])
        self.client.delete_role(RoleName=name)

    def _write(self, role: str, policies: Iterable[dict[str, Any]]) -> None:
        for policy in policies:
            document = json.dumps(policy["PolicyDocument"])
            self.client.put_role_policy(
                RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document
            )

    def _remove(self, role: str, policies: Iterable[str]) -> None:
        for policy in policies:
            self.client.delete_role_policy(RoleName=role, PolicyName=policy)


class RolePolicy(ServiceResource):
    """``AWS::IAM::Policy`` for roles."""

    service = "iam"
    takes = names("PolicyName", "PolicyDocument", "Roles")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Put the policy into every role."""
        name, document = wanted.properties["PolicyName"], wanted.properties["PolicyDocument"]
        for role in wanted.properties["Roles"]:
            self.client.put_role_policy(
                RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document)
            )
        return PhysicalResource(name)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove it from every role."""
        for role in current.properties["Roles"]:
            self.client.delete_role_policy(RoleName=role, PolicyName=current.physical_id)


class ManagedPolicy(ServiceResource):
    """``AWS::IAM::ManagedPolicy`` for roles."""

    service = "iam"
    takes = names("Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the policy and attach it to every role."""
        given = wanted.properties
        arn = self.client.create_policy(
            PolicyName=given.get("ManagedPolicyName") or generated_name(stack, wanted, 128),
            PolicyDocument=json.dumps(given["PolicyDocument"]),
            **{key: given[key] for key in ("Description", "Path") if key in given},
        )["Policy"]["Arn"]
        for role in given.get("Roles", []):
            self.client.attach_role_policy(RoleName=role, PolicyArn=arn)
        return PhysicalResource(arn, {"PolicyArn": arn})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Create its next version and adjust attachments; a new name means a new policy."""
        old, new = current.properties, wanted.properties
        if old.get("ManagedPolicyName") != new.get("ManagedPolicyName"):
            return self.create(stack, wanted)
        arn = current.physical_id
        if old["PolicyDocument"] != new["PolicyDocument"]:
            self._delete_old_versions(arn)
            document = json.dumps(new["PolicyDocument"])
            self.client.create_policy_version(
                PolicyArn=arn, PolicyDocument=document, SetAsDefault=True
            )
        before, after = set(old.get("Roles", [])), set(new.get("Roles", []))
        for role in after - before:
            self.client.attach_role_policy(RoleName=role, PolicyArn=arn)
        for role in before - after:
            self.client.detach_role_policy(RoleName=role, PolicyArn=arn)
        return PhysicalResource(arn, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Detach and delete the policy."""
        arn = current.physical_id
        for role in current.properties.get("Roles", []):
            self.client.detach_role_policy(RoleName=role, PolicyArn=arn)
        self._delete_old_versions(arn)
        self.client.delete_policy(PolicyArn=arn)

    def _delete_old_versions(self, arn: str) -> None:
        for version in self.client.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                self.client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
