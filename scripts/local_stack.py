# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Deploy the published stack in a local cloud, delete it, and count what is left."""

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
from scripts.speaker_models.fetching import speaker_models
from scripts.weights import DEMO, NAMES, weights
from whisper_endpoint.speakers import models

_RUN = secrets.token_hex(6)
"""Part of names, so that they cannot be guessed."""

STACK_NAME = f"whisper-local-{_RUN}"
ARTIFACTS = f"whisper-local-{_RUN}"
"""The deployer's bucket, created before the stack, for artifacts and the model's weights."""

DEMO_PARAMETERS = {"ModelS3Uri": f"s3://{ARTIFACTS}/model/"}
"""For the demonstration model; everything else is default."""

PATIENCE_SECONDS = 300
"""Local containers start within half a minute; SageMaker's limit is set in the config."""

_POLL_SECONDS = 0.5


class StackFailed(CommandError):
    """The stack could not be created or deleted; the message is CloudFormation's."""


@dataclass
class LocalStack:
    """A running stack; `before` counts what the cloud held before it."""

    cloud: LocalCloud
    stack_id: str
    outputs: dict[str, str]
    before: Counter[str]

    @property
    def endpoint_name(self) -> str:
        """Name of the endpoint, from the output that LCA reads."""
        return self.outputs["WhisperSageMakerEndpointName"]

    def variables(self) -> dict[str, str]:
        """Return the variables for the examples in README and docs: keys and addresses."""
        base = f"{self.cloud.unsigned_url}/endpoints/{self.endpoint_name}"
        streams = self.cloud.streams()
        return {
            **self.cloud.environment(),
            "ENDPOINT_NAME": self.endpoint_name,
            "URL": f"{base}/invocations",
            "OPENAI_BASE_URL": f"{base}/v1",
            # Clients require one; the secret address grants access.
            "OPENAI_API_KEY": "local",
            "STREAMS_URL": f"https://127.0.0.1:{streams.port}",
            "STREAMS_CERTIFICATE": str(streams.certificate),
        }

    def left(self) -> Counter[str]:
        """Count what the stack has left in the cloud."""
        return inventory.take(self.cloud) - self.before


@contextmanager
def aws_settings(environment: Mapping[str, str]) -> Iterator[None]:
    """Set this process's AWS settings, for clients that read them from the environment.

    The user's profile or session token would take precedence, so they are unset in the block.
    """
    with patch.dict(os.environ, environment):
        for name in {"AWS_PROFILE", "AWS_SESSION_TOKEN"} - environment.keys():
            os.environ.pop(name, None)
        yield


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--model`` of a local endpoint."""
    parser.add_argument(
        "--model", choices=NAMES, default=DEMO, help=f"model of a local endpoint (default: {DEMO})"
    )


def model_parameters(model: str) -> dict[str, str]:
    """Return the stack's parameters for a model, named as for `weights`."""
    return DEMO_PARAMETERS if model == DEMO else {"WhisperModelSize": model}


def add_speakers_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--speakers`` of a local endpoint."""
    parser.add_argument(
        "--speakers", action="store_true", help="give a local endpoint the diarization models"
    )


def speaker_parameters(cloud: LocalCloud) -> dict[str, str]:
    """Upload the diarization models; return the stack's parameters for them.

    Raises
    ------
    CommandError
        They are not available.
    """
    folder, s3 = speaker_models(), cloud.client("s3")
    for name in (models.SEGMENTATION, models.EMBEDDING):
        s3.upload_file(str(folder / name), ARTIFACTS, f"speakers/{name}")
    return {"DiarizationModelS3Uri": f"s3://{ARTIFACTS}/speakers/"}


@contextmanager
def local_cloud(
    port: int = 0,
    endpoint_environment: Mapping[str, str] | None = None,
    model: str = DEMO,
) -> Iterator[LocalCloud]:
    """Run a local cloud with real endpoints and the demonstration model in its S3.

    In the block, AWS settings of this process and its children point to the cloud.

    `port`: 0 picks a free one. `endpoint_environment`: additional variables of every container.
    `model`: any model but the demonstration model is served by the cloud's hub. Raises CommandError
    if its weights are not available.
    """
    on_hub = {} if model == DEMO else {"@".join(HUB_MODELS[model]): weights(model)}

    def hosting(s3: Callable[[], Any], folder: Path, variables: dict[str, str]) -> RayHosting:
        variables = {**variables, **(endpoint_environment or {})}
        return RayHosting(s3, folder, variables, patience=PATIENCE_SECONDS)

    with LocalCloud(hosting, port=port, models=on_hub) as cloud, aws_settings(cloud.environment()):
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
    """Upload a packaged template next to its artifacts; return its URL."""
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
    """Wait for the current operation, showing the latest resource."""
    while True:
        stack: dict[str, Any] = client.describe_stacks(StackName=stack_id)["Stacks"][0]
        newest = client.describe_stack_events(StackName=stack_id)["StackEvents"][0]
        told(newest["LogicalResourceId"])
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(_POLL_SECONDS)


def _listed(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
