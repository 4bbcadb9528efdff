# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Lambda functions, layers, permissions and event sources."""

from local_cloud.cloudformation.properties import as_parameter
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import OperationResource, generated_name
from local_cloud.cloudformation.stack import Resource, Stack


class LayerVersion(OperationResource):
    """``AWS::Lambda::LayerVersion``; any change means replacement."""

    service = "lambda"
    operation = "PublishLayerVersion"

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Publish a version."""
        name = f"{stack.name}-{wanted.logical_id}"
        arn = self.call({"LayerName": name, **wanted.properties})["LayerVersionArn"]
        return PhysicalResource(arn, {"LayerVersionArn": arn})

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the version."""
        layer, _, version = current.physical_id.rpartition(":")
        self.client.delete_layer_version(
            LayerName=layer.rpartition(":")[2], VersionNumber=int(version)
        )


class Function(OperationResource):
    """``AWS::Lambda::Function``."""

    service = "lambda"
    operation = "CreateFunction"
    identifier, longest = "FunctionName", 64
    deletion = ("delete_function", "FunctionName")
    ignores = ("LoggingConfig", "Tags")

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update code and configuration; ARN and architecture stay."""
        request = as_parameter(wanted.properties, self._shape)
        request |= {"FunctionName": current.physical_id}
        code = request.pop("Code")
        request.pop("Architectures", None)
        self.client.update_function_code(FunctionName=current.physical_id, **code)
        self.client.update_function_configuration(**request)
        return PhysicalResource(current.physical_id, current.attributes)


class EventInvokeConfig(OperationResource):
    """``AWS::Lambda::EventInvokeConfig``."""

    service = "lambda"
    operation = "PutFunctionEventInvokeConfig"
    identifier = "FunctionName"
    deletion = ("delete_function_event_invoke_config", "FunctionName")
    ignores = ("Qualifier",)


class FunctionPermission(OperationResource):
    """``AWS::Lambda::Permission``; any change means replacement."""

    service = "lambda"
    operation = "AddPermission"

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Add a statement to the function's policy."""
        statement_id = generated_name(stack, wanted, 100)
        self.call({**wanted.properties, "StatementId": statement_id})
        return PhysicalResource(statement_id)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove the statement."""
        self.client.remove_permission(
            FunctionName=current.properties["FunctionName"], StatementId=current.physical_id
        )


class EventSourceMapping(OperationResource):
    """``AWS::Lambda::EventSourceMapping``."""

    service = "lambda"
    operation = "CreateEventSourceMapping"

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the mapping."""
        made = self.call(wanted.properties)
        attributes = {"Id": made["UUID"], "EventSourceMappingArn": made["EventSourceMappingArn"]}
        return PhysicalResource(made["UUID"], attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the mapping."""
        self.client.delete_event_source_mapping(UUID=current.physical_id)
