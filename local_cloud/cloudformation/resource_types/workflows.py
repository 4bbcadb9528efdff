# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Step Functions state machines."""

import json
import re
from typing import Any

from local_cloud.cloudformation.properties import Properties, as_parameter, names
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import ServiceResource, generated_name
from local_cloud.cloudformation.stack import Resource, Stack


class StateMachine(ServiceResource):
    """``AWS::StepFunctions::StateMachine``."""

    service = "stepfunctions"
    takes = names(
        "Definition",
        "DefinitionS3Location",
        "DefinitionString",
        "DefinitionSubstitutions",
        "LoggingConfiguration",
        "RoleArn",
        "StateMachineName",
        "StateMachineType",
        "TracingConfiguration",
    )

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the state machine."""
        properties = wanted.properties
        name = properties.get("StateMachineName") or generated_name(stack, wanted, 80)
        kind = properties.get("StateMachineType", "STANDARD")
        arn = self._call("CreateStateMachine", wanted, name=name, type=kind)["stateMachineArn"]
        return PhysicalResource(arn, {"Arn": arn, "Name": name})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update definition, role, logging and tracing; a new name or type means replacement."""
        for key in ("StateMachineName", "StateMachineType"):
            if current.properties.get(key) != wanted.properties.get(key):
                return self.create(stack, wanted)
        self._call("UpdateStateMachine", wanted, stateMachineArn=current.physical_id)
        return PhysicalResource(current.physical_id, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the state machine; running executions continue."""
        self.client.delete_state_machine(stateMachineArn=current.physical_id)

    def _call(self, operation: str, wanted: Resource, **more: str) -> Any:
        properties = wanted.properties
        request = {"roleArn": properties["RoleArn"], "definition": self._definition(properties)}
        for key in ("LoggingConfiguration", "TracingConfiguration"):
            if key in properties:
                request |= _lower({key: properties[key]})
        shape = self.client.meta.service_model.operation_model(operation).input_shape
        method = {"CreateStateMachine": self.client.create_state_machine}
        call = method.get(operation, self.client.update_state_machine)
        return call(**as_parameter({**request, **more}, shape))

    def _definition(self, properties: Properties) -> str:
        """Return the definition with substitutions, from any of its three sources."""
        if "Definition" in properties:
            text = json.dumps(properties["Definition"])
        elif "DefinitionString" in properties:
            text = properties["DefinitionString"]
        else:
            place = properties["DefinitionS3Location"]
            version = {"VersionId": place["Version"]} if place.get("Version") else {}
            found = self._clients("s3").get_object(
                Bucket=place["Bucket"], Key=place["Key"], **version
            )
            text = found["Body"].read().decode()
        values = properties.get("DefinitionSubstitutions", {})
        return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)


_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def _lower(value: Any) -> Any:
    """Convert a property to the API's names, such as ``Level`` to ``level``."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _lower(item) for key, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value
