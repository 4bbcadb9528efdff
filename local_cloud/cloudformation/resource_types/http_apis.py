# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""HTTP APIs of API Gateway, with integrations, routes and stages."""

from typing import Any, ClassVar

from botocore import xform_name

from local_cloud.cloudformation.properties import as_parameter, names
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import ServiceResource
from local_cloud.cloudformation.stack import Resource, Stack
from local_cloud.http_apis import ROOT


class HttpApi(ServiceResource):
    """``AWS::ApiGatewayV2::Api`` with protocol HTTP, at a path of the cloud's own address."""

    service = "apigatewayv2"
    takes = names("Description", "Name", "ProtocolType")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the API."""
        api_id = self.client.create_api(**wanted.properties)["ApiId"]
        url = f"{self.client.meta.endpoint_url}/{ROOT}/{api_id}"
        return PhysicalResource(api_id, {"ApiId": api_id, "ApiEndpoint": url})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update its name or description; a new protocol means a new API."""
        given = {**wanted.properties}
        if given.pop("ProtocolType") != current.properties["ProtocolType"]:
            return self.create(stack, wanted)
        self.client.update_api(ApiId=current.physical_id, **given)
        return PhysicalResource(current.physical_id, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the API with its parts."""
        self.client.delete_api(ApiId=current.physical_id)


class HttpApiPart(ServiceResource):
    """A part of an API; ``kind`` is its name in the operations.

    A change creates a new part, then deletes the old one, like any replacement.
    """

    service = "apigatewayv2"
    kind: ClassVar[str]
    identifier: ClassVar[str] = ""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create it."""
        operation = f"Create{self.kind}"
        shape = self.client.meta.service_model.operation_model(operation).input_shape
        request = as_parameter(wanted.properties, shape)
        answer = getattr(self.client, xform_name(operation))(**request)
        return PhysicalResource(answer[self._identifier])

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete it."""
        given: dict[str, Any] = {
            "ApiId": current.properties["ApiId"],
            self._identifier: current.physical_id,
        }
        getattr(self.client, xform_name(f"Delete{self.kind}"))(**given)

    @property
    def _identifier(self) -> str:
        return self.identifier or f"{self.kind}Id"


class Integration(HttpApiPart):
    """``AWS::ApiGatewayV2::Integration`` with a Lambda function."""

    kind = "Integration"
    takes = names(
        "ApiId", "IntegrationType", "IntegrationUri", "PayloadFormatVersion", "TimeoutInMillis"
    )


class Route(HttpApiPart):
    """``AWS::ApiGatewayV2::Route``."""

    kind = "Route"
    takes = names("ApiId", "AuthorizationType", "RouteKey", "Target")


class HttpApiStage(HttpApiPart):
    """``AWS::ApiGatewayV2::Stage``, deployed automatically."""

    kind = "Stage"
    identifier = "StageName"
    takes = names("ApiId", "AutoDeploy", "Description", "StageName")
