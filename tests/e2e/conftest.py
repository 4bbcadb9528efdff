# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import inventory
from local_cloud.server import LocalCloud
from scripts import local_stack
from scripts.local_stack import ARTIFACTS, DEMO_PARAMETERS, LocalStack
from scripts.publish.build import build, package


@pytest.fixture(scope="package")
def cloud() -> Iterator[LocalCloud]:
    with local_stack.local_cloud() as running:
        yield running


@pytest.fixture(scope="package")
def packaged(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged template, where no other command packages for a bucket of its own."""
    made = package(build(), ARTIFACTS, "whisper", cloud.region)
    return Path(shutil.copy(made, tmp_path_factory.mktemp("packaged")))


@pytest.fixture(scope="package")
def template_url(cloud: LocalCloud, packaged: Path) -> str:
    return local_stack.upload_template(cloud, packaged)


def aws(*arguments: str) -> str:
    """Run the real AWS CLI against the cloud that the environment names."""
    command = ["aws", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="package")
def stack(cloud: LocalCloud, template_url: str, packaged: Path) -> Iterator[LocalStack]:
    """The stack, deployed by the AWS CLI with real containers; whatever it leaves fails here.

    One for the package, since it takes a minute. The tests that make clouds of their own come
    before it by their files' names: moto's state is the process's.
    """
    before = inventory.take(cloud)
    bucket = "recordings"
    cloud.client("s3").create_bucket(Bucket=bucket)
    before["S3 buckets"] += 1
    values = {**DEMO_PARAMETERS, "AudioInputS3Prefixes": f"s3://{bucket}/calls/"}
    values["EndpointEnvironment"] = "WHISPER_URL_SOURCES=on"
    said = aws(
        *("cloudformation", "deploy", "--stack-name", "e2e", "--template-file", str(packaged)),
        # The template is larger than what the API takes inline.
        *("--s3-bucket", bucket, "--capabilities", "CAPABILITY_IAM", "--no-execute-changeset"),
        *("--parameter-overrides", *(f"{key}={value}" for key, value in values.items())),
    )
    # Its own wait looks every 30 s.
    aws("cloudformation", "execute-change-set", "--change-set-name", said.split()[-1])
    cloud.operations.join()
    described = json.loads(aws("cloudformation", "describe-stacks", "--stack-name", "e2e"))
    found = described["Stacks"][0]
    assert found["StackStatus"] == "CREATE_COMPLETE", local_stack.reason(found)
    outputs = {item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]}
    running = LocalStack(cloud, found["StackId"], outputs, before)
    yield running
    for item in cloud.client("s3").list_objects_v2(Bucket=bucket).get("Contents", []):
        cloud.client("s3").delete_object(Bucket=bucket, Key=item["Key"])
    local_stack.delete(running)
    assert running.left().total() == 0, running.left()
