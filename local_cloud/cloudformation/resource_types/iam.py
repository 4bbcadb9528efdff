# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Roles and their inline policies; nothing here is enforced."""

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
        """Make the role."""
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
        """Write trust and inline policies again."""
        name = current.physical_id
        trust = json.dumps(wanted.properties["AssumeRolePolicyDocument"])
        self.client.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        # Only its own: another resource may have written policies into the same role.
        self._remove(name, (item["PolicyName"] for item in current.properties.get("Policies", [])))
        self._write(name, wanted.properties.get("Policies", []))
        return PhysicalResource(name, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove the role and its inline policies."""
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
        """Write the policy into every role."""
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
