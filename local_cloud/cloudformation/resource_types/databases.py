# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""DynamoDB tables; items never expire."""

from typing import Any

from local_cloud.cloudformation.properties import as_parameter, names
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import ServiceResource, generated_name
from local_cloud.cloudformation.stack import Resource, Stack

_CREATE_ONLY = ("TableName", "KeySchema", "LocalSecondaryIndexes")


class Table(ServiceResource):
    """``AWS::DynamoDB::Table``."""

    service = "dynamodb"
    takes = names(
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
        "ProvisionedThroughput",
        "SSESpecification",
        "StreamSpecification.StreamViewType",
        "TableName",
        "TimeToLiveSpecification",
    )

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the table."""
        name = wanted.properties.get("TableName") or generated_name(stack, wanted, 255)
        own = ("PointInTimeRecoverySpecification", "TimeToLiveSpecification")
        request = {key: item for key, item in wanted.properties.items() if key not in own}
        if encryption := request.get("SSESpecification"):
            renamed = {
                "Enabled" if key == "SSEEnabled" else key: encryption[key] for key in encryption
            }
            request["SSESpecification"] = renamed
        if stream := request.get("StreamSpecification"):
            request["StreamSpecification"] = {"StreamEnabled": True, **stream}
        table = self._call("create_table", {**request, "TableName": name})["TableDescription"]
        self._set_expiry_and_backups(name, {}, wanted.properties)
        stream_arn = {"StreamArn": table["LatestStreamArn"]} if "LatestStreamArn" in table else {}
        return PhysicalResource(name, {"Arn": table["TableArn"], **stream_arn})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update what can be updated; a new name or new keys mean a new table."""
        old, new = current.properties, wanted.properties
        if any(old.get(key) != new.get(key) for key in _CREATE_ONLY):
            return self.create(stack, wanted)
        name = current.physical_id
        changed: dict[str, Any] = {
            key: new[key]
            for key in ("BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput")
            if key in new and old.get(key) != new[key]
        }
        if changed:
            self._call("update_table", {"TableName": name, **changed})
        for change in _index_changes(old, new):
            more = {"AttributeDefinitions": new["AttributeDefinitions"]}
            request = {"TableName": name, **more, "GlobalSecondaryIndexUpdates": [change]}
            self._call("update_table", request)
        self._set_expiry_and_backups(name, old, new)
        return PhysicalResource(name, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the table."""
        self.client.delete_table(TableName=current.physical_id)

    def _set_expiry_and_backups(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        for key, method in (
            ("TimeToLiveSpecification", "update_time_to_live"),
            ("PointInTimeRecoverySpecification", "update_continuous_backups"),
        ):
            if key in new and new[key] != old.get(key):
                self._call(method, {"TableName": name, key: new[key]})

    def _call(self, method: str, request: dict[str, Any]) -> Any:
        operation = self.client.meta.method_to_api_mapping[method]
        shape = self.client.meta.service_model.operation_model(operation).input_shape
        return getattr(self.client, method)(**as_parameter(request, shape))


def _index_changes(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the global index updates, since DynamoDB accepts one at a time."""
    before, after = (
        {item["IndexName"]: item for item in properties.get("GlobalSecondaryIndexes", [])}
        for properties in (old, new)
    )
    gone = [name for name in before if before[name] != after.get(name)]
    made = [item for name, item in after.items() if item != before.get(name)]
    return [
        *({"Delete": {"IndexName": name}} for name in gone),
        *({"Create": item} for item in made),
    ]
