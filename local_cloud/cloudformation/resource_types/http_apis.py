# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""HTTP APIs of API Gateway, and what they are made of."""

from typing import Any, ClassVar

from botocore import xform_name

from local_cloud.cloudformation.properties import as_parameter, names
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import ServiceResource
from local_cloud.cloudformation.stack import Resource, Stack
from local_cloud.http_apis import ROOT


class HttpApi(ServiceResource):
    """``AWS::ApiGatewayV2::Api`` of the protocol HTTP, at a path of the cloud's own address."""

    service = "apigatewayv2"
    takes = names("Description", "Name", "ProtocolType")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make the API."""
        api_id = self.client.create_api(**wanted.properties)["ApiId"]
        url = f"{self.client.meta.endpoint_url}/{ROOT}/{api_id}"
        return PhysicalResource(api_id, {"ApiId": api_id, "ApiEndpoint": url})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Change its name or description; another protocol means another API."""
        given = {**wanted.properties}
        if given.pop("ProtocolType") != current.properties["ProtocolType"]:
            return self.create(stack, wanted)
        self.client.update_api(ApiId=current.physical_id, **given)
        return PhysicalResource(current.physical_id, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove the API with all that is in it."""
        self.client.delete_api(ApiId=current.physical_id)


class HttpApiPart(ServiceResource):
    """What an API is made of: ``kind`` is its name in the operations.

    A changed one is made again, and then the old one goes, as CloudFormation replaces resources.
    """

    service = "apigatewayv2"
    kind: ClassVar[str]
    identifier: ClassVar[str] = ""

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make it."""
        operation = f"Create{self.kind}"
        shape = self.client.meta.service_model.operation_model(operation).input_shape
        request = as_parameter(wanted.properties, shape)
        answer = getattr(self.client, xform_name(operation))(**request)
        return PhysicalResource(answer[self._identifier])

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove it."""
        given: dict[str, Any] = {
            "ApiId": current.properties["ApiId"],
            self._identifier: current.physical_id,
        }
        getattr(self.client, xform_name(f"Delete{self.kind}"))(**given)

    @property
    def _identifier(self) -> str:
        return self.identifier or f"{self.kind}Id"


class Integration(HttpApiPart):
    """``AWS::ApiGatewayV2::Integration`` with a function."""

    kind = "Integration"
    takes = names(
        "ApiId", "IntegrationType", "IntegrationUri", "PayloadFormatVersion", "TimeoutInMillis"
    )


class Route(HttpApiPart):
    """``AWS::ApiGatewayV2::Route``."""

    kind = "Route"
    takes = names("ApiId", "AuthorizationType", "RouteKey", "Target")


class HttpApiStage(HttpApiPart):
    """``AWS::ApiGatewayV2::Stage``, which is deployed by itself."""

    kind = "Stage"
    identifier = "StageName"
    takes = names("ApiId", "AutoDeploy", "Description", "StageName")
