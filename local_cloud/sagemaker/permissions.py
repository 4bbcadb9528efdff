# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Role permissions, as far as SageMaker checks them up front."""

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from local_cloud.service import ServiceError


class RolePolicies:
    """Reads roles from IAM; `client` returns an IAM client."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def allow(self, role_arn: str, action: str, resource: str) -> bool:
        """Return whether a role's policies allow an action, ignoring conditions."""
        effects = {
            statement["Effect"]
            for document in self._documents(role_arn.rpartition("/")[2])
            for statement in _listed(document["Statement"])
            if _matches(statement.get("Action", []), action.lower(), str.lower)
            and _matches(statement.get("Resource", []), resource, str)
        }
        return effects == {"Allow"}

    def require_topics(self, role_arn: str, asynchronous: dict[str, Any]) -> None:
        """Refuse an ``AsyncInferenceConfig`` with topics that the role may not publish to."""
        topics = asynchronous["OutputConfig"].get("NotificationConfig", {})
        for topic in filter(None, map(topics.get, ("SuccessTopic", "ErrorTopic"))):
            if not self.allow(role_arn, "sns:Publish", topic):
                raise ServiceError(
                    f"{role_arn} is not authorized to perform: SNS:Publish on resource: {topic}"
                )

    def _documents(self, role: str) -> Iterator[dict[str, Any]]:
        client = self._client()
        try:
            inline = client.list_role_policies(RoleName=role)["PolicyNames"]
        except client.exceptions.NoSuchEntityException:
            return
        for name in inline:
            yield _parsed(client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for item in client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            policy = client.get_policy(PolicyArn=item["PolicyArn"])["Policy"]
            found = client.get_policy_version(
                PolicyArn=item["PolicyArn"], VersionId=policy["DefaultVersionId"]
            )
            yield _parsed(found["PolicyVersion"]["Document"])


def _parsed(document: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
    return parsed


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matches(patterns: Any, wanted: str, form: Callable[[str], str]) -> bool:
    return any(fnmatchcase(wanted, form(pattern)) for pattern in _listed(patterns))
