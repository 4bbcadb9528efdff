# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CloudWatch log groups, alarms and dashboards, and EventBridge rules; alarms never fire."""

import json
from dataclasses import replace

from local_cloud import ACCOUNT_ID
from local_cloud.cloudformation.properties import as_parameter, names, number
from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.resource_types.base import (
    OperationResource,
    ServiceResource,
    generated_name,
)
from local_cloud.cloudformation.stack import Resource, Stack


class LogGroup(ServiceResource):
    """``AWS::Logs::LogGroup``."""

    service = "logs"
    takes = names("LogGroupName", "RetentionInDays")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the group."""
        name = wanted.properties.get("LogGroupName") or generated_name(stack, wanted, 512)
        days = _days_kept(wanted)
        self.client.create_log_group(logGroupName=name)
        self._retain(name, days)
        arn = f"arn:aws:logs:{stack.region}:{ACCOUNT_ID}:log-group:{name}:*"
        return PhysicalResource(name, {"Arn": arn})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update the retention; a new name means a new group."""
        name = wanted.properties.get("LogGroupName", current.physical_id)
        if name != current.physical_id:
            return self.create(stack, wanted)
        self._retain(name, _days_kept(wanted))
        return PhysicalResource(name, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the group."""
        self.client.delete_log_group(logGroupName=current.physical_id)

    def _retain(self, name: str, days: int) -> None:
        if days:
            self.client.put_retention_policy(logGroupName=name, retentionInDays=days)


def _days_kept(wanted: Resource) -> int:
    days: int = number(wanted.properties.get("RetentionInDays", 0), "#/RetentionInDays")
    return days


class Alarm(OperationResource):
    """``AWS::CloudWatch::Alarm``."""

    service = "cloudwatch"
    operation = "PutMetricAlarm"
    identifier, longest = "AlarmName", 255
    deletion = ("delete_alarms", "AlarmNames")


class Dashboard(OperationResource):
    """``AWS::CloudWatch::Dashboard``."""

    service = "cloudwatch"
    operation = "PutDashboard"
    identifier, longest = "DashboardName", 255
    deletion = ("delete_dashboards", "DashboardNames")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create or overwrite the dashboard; refuse a body that is not JSON."""
        try:
            json.loads(wanted.properties["DashboardBody"])
        except ValueError as error:
            raise ResourceFailed(f"The dashboard's body is not JSON: {error}") from error
        return super().create(stack, wanted)


class EventsRule(OperationResource):
    """``AWS::Events::Rule``."""

    service = "events"
    operation = "PutRule"
    identifier, longest = "Name", 64
    deletion = ("delete_rule", "Name")
    adds = ("Targets",)

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create or overwrite the rule."""
        rule = {key: item for key, item in wanted.properties.items() if key != "Targets"}
        made = super().create(stack, replace(wanted, properties=rule))
        shape = self.client.meta.service_model.operation_model("PutTargets").input_shape
        request = {"Rule": made.physical_id, "Targets": wanted.properties["Targets"]}
        self.client.put_targets(**as_parameter(request, shape))
        return made

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the rule with its targets."""
        ids = [target["Id"] for target in current.properties["Targets"]]
        self.client.remove_targets(Rule=current.physical_id, Ids=ids)
        super().delete(stack, current)
