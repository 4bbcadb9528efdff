# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The stack in a local cloud: deployed from the published artifacts, deleted, and counted."""

import argparse
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.references import DEMO_MODEL
from deploy_whisper.archive.hub import HUB_MODELS
from local_cloud import inventory
from local_cloud.sagemaker.ray_hosting import RayHosting
from local_cloud.server import LocalCloud
from scripts.publish.build import build, package
from scripts.publish.errors import CommandError
from scripts.publish.progress import step
from scripts.weights import DEMO, NAMES, weights

_RUN = secrets.token_hex(6)
"""In names, so that nobody else knows them."""

STACK_NAME = f"whisper-local-{_RUN}"
ARTIFACTS = f"whisper-local-{_RUN}"
"""The deployer's own bucket, made before the stack: artifacts and the model's weights."""

DEMO_PARAMETERS = {"ModelS3Uri": f"s3://{ARTIFACTS}/model/"}
"""For the demonstration model; all else is the template's default."""

PATIENCE_SECONDS = 300
"""A container here is up after half a minute; SageMaker waits as long as the config says."""

_POLL_SECONDS = 0.5


class StackFailed(CommandError):
    """The stack did not come up or did not go away; the message is CloudFormation's."""


@dataclass
class LocalStack:
    """A stack that is up; `before` counts what was in the cloud before it."""

    cloud: LocalCloud
    stack_id: str
    outputs: dict[str, str]
    before: Counter[str]

    @property
    def endpoint_name(self) -> str:
        """Name of the endpoint, as LCA reads it from the stack."""
        return self.outputs["WhisperSageMakerEndpointName"]

    def variables(self) -> dict[str, str]:
        """Return what a shell needs for the lines of README and docs: the keys and addresses."""
        base = f"{self.cloud.unsigned_url}/endpoints/{self.endpoint_name}"
        streams = self.cloud.streams()
        return {
            **self.cloud.environment(),
            "ENDPOINT_NAME": self.endpoint_name,
            "URL": f"{base}/invocations",
            "OPENAI_BASE_URL": f"{base}/v1",
            # Its clients ask for one; what lets them in is the address.
            "OPENAI_API_KEY": "local",
            "STREAMS_URL": f"https://127.0.0.1:{streams.port}",
            "STREAMS_CERTIFICATE": str(streams.certificate),
        }

    def left(self) -> Counter[str]:
        """Count what is there now and was not before the stack."""
        return inventory.take(self.cloud) - self.before


@contextmanager
def aws_settings(environment: Mapping[str, str]) -> Iterator[None]:
    """Set this process's AWS settings, for clients that read them from the environment.

    A profile or session token of the user's would win over them: within the block it is unset.
    """
    with patch.dict(os.environ, environment):
        for name in {"AWS_PROFILE", "AWS_SESSION_TOKEN"} - environment.keys():
            os.environ.pop(name, None)
        yield


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``, of a local endpoint, to a command."""
    parser.add_argument(
        "--model", choices=NAMES, default=DEMO, help=f"of a local endpoint ({DEMO})"
    )


def model_parameters(model: str) -> dict[str, str]:
    """Return the stack's parameters for a model by the name that `weights` takes."""
    return DEMO_PARAMETERS if model == DEMO else {"WhisperModelSize": model}


@contextmanager
def local_cloud(
    port: int = 0,
    endpoint_environment: Mapping[str, str] | None = None,
    model: str = DEMO,
) -> Iterator[LocalCloud]:
    """Run a local cloud whose endpoints are real, with the demonstration model in its S3.

    Within the block this process's AWS settings, and its children's, point to the cloud.

    `port`: 0 for a free one; `endpoint_environment`: variables of every container, in addition to
    those that its model sets; `model`: another one than the demonstration model is what the cloud's
    hub serves. Raises CommandError where its weights cannot be had.
    """
    models = {} if model == DEMO else {"@".join(HUB_MODELS[model]): weights(model)}

    def hosting(s3: Callable[[], Any], folder: Path, variables: dict[str, str]) -> RayHosting:
        variables = {**variables, **(endpoint_environment or {})}
        return RayHosting(s3, folder, variables, patience=PATIENCE_SECONDS)

    with LocalCloud(hosting, port=port, models=models) as cloud, aws_settings(cloud.environment()):
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=ARTIFACTS)
        for path in sorted(DEMO_MODEL.iterdir()):
            s3.upload_file(str(path), ARTIFACTS, f"model/{path.name}")
        yield cloud


def publish(cloud: LocalCloud) -> str:
    """Build the artifacts, upload them with the AWS CLI and return the template's URL."""
    with step("Building the artifacts"):
        template = build()
    with step("Publishing them to the local S3"):
        packaged = package(template, ARTIFACTS, "whisper", cloud.region)
    return upload_template(cloud, packaged)


def upload_template(cloud: LocalCloud, packaged: Path) -> str:
    """Put a packaged template next to its artifacts and return its URL."""
    key = "whisper/template.yaml"
    cloud.client("s3").upload_file(str(packaged), ARTIFACTS, key)
    return f"https://s3.{cloud.region}.amazonaws.com/{ARTIFACTS}/{key}"


def deploy(
    cloud: LocalCloud, template_url: str, parameters: Mapping[str, str], name: str = STACK_NAME
) -> LocalStack:
    """Create the stack and wait for it; raises StackFailed with CloudFormation's reason."""
    before = inventory.take(cloud)
    client = cloud.client("cloudformation")
    with step("Creating the stack") as told:
        stack_id = client.create_stack(
            StackName=name,
            TemplateURL=template_url,
            Parameters=_listed(parameters),
            Capabilities=["CAPABILITY_IAM"],
        )["StackId"]
        stack = _wait(client, stack_id, told)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        said = getattr(cloud.hosting, "first_error", str)()
        raise StackFailed(" The container's log says: ".join(filter(None, [reason(stack), said])))
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    return LocalStack(cloud, stack_id, outputs, before)


def update(stack: LocalStack, template_url: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Update the stack, wait, and return CloudFormation's description of it."""
    client = stack.cloud.client("cloudformation")
    with step("Updating the stack") as told:
        client.update_stack(
            StackName=stack.stack_id,
            TemplateURL=template_url,
            Parameters=_listed(parameters),
            Capabilities=["CAPABILITY_IAM"],
        )
        return _wait(client, stack.stack_id, told)


def delete(stack: LocalStack) -> None:
    """Delete the stack and wait until it is gone; raises StackFailed."""
    client = stack.cloud.client("cloudformation")
    with step("Deleting the stack") as told:
        client.delete_stack(StackName=stack.stack_id)
        final = _wait(client, stack.stack_id, told)
    if final["StackStatus"] != "DELETE_COMPLETE":
        raise StackFailed(reason(final))


def reason(stack: dict[str, Any]) -> str:
    """Return CloudFormation's reason for the stack's state, or the state itself."""
    said: str = stack.get("StackStatusReason") or stack["StackStatus"]
    return said


def _wait(client: Any, stack_id: str, told: Any) -> dict[str, Any]:
    """Wait for the end of the present operation, telling which resource is being worked on."""
    while True:
        stack: dict[str, Any] = client.describe_stacks(StackName=stack_id)["Stacks"][0]
        newest = client.describe_stack_events(StackName=stack_id)["StackEvents"][0]
        told(newest["LogicalResourceId"])
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(_POLL_SECONDS)


def _listed(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
