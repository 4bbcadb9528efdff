# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Secrets Manager secrets."""

import json

from local_cloud.cloudformation.properties import Properties, names, number
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import ServiceResource, generated_name
from local_cloud.cloudformation.stack import Resource, Stack


class Secret(ServiceResource):
    """``AWS::SecretsManager::Secret``, given or generated."""

    service = "secretsmanager"
    takes = names("Description", "GenerateSecretString", "KmsKeyId", "Name", "SecretString")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the secret."""
        properties = wanted.properties
        name = properties.get("Name") or generated_name(stack, wanted, 256)
        optional = {
            key: properties[key] for key in ("Description", "KmsKeyId") if key in properties
        }
        arn = self.client.create_secret(
            Name=name, SecretString=self._value(properties), **optional
        )["ARN"]
        return PhysicalResource(arn, {"Id": arn})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Set a new value if its source changed; a new name means a new secret."""
        old, new = current.properties, wanted.properties
        if old.get("Name") != new.get("Name"):
            return self.create(stack, wanted)
        if any(old.get(key) != new.get(key) for key in ("GenerateSecretString", "SecretString")):
            self.client.put_secret_value(
                SecretId=current.physical_id, SecretString=self._value(new)
            )
        return PhysicalResource(current.physical_id, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the secret at once, as CloudFormation does."""
        self.client.delete_secret(SecretId=current.physical_id, ForceDeleteWithoutRecovery=True)

    def _value(self, properties: Properties) -> str:
        if "GenerateSecretString" not in properties:
            return str(properties.get("SecretString", ""))
        how = {**properties["GenerateSecretString"]}
        template, key = how.pop("SecretStringTemplate", ""), how.pop("GenerateStringKey", "")
        if "PasswordLength" in how:
            how["PasswordLength"] = number(how["PasswordLength"], "#/PasswordLength")
        made_up: str = self.client.get_random_password(**how)["RandomPassword"]
        return json.dumps({**json.loads(template), key: made_up}) if template else made_up
