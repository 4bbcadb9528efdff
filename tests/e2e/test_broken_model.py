# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A model that cannot work: the health route never says 200, and the stack says why and goes."""

from collections.abc import Iterator

import pytest

from local_cloud import inventory
from local_cloud.server import LocalCloud
from scripts import local_stack
from scripts.build import build, package
from scripts.local_stack import ARTIFACTS, DEMO_MODEL, StackFailed, deploy

pytestmark = pytest.mark.slow


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """A cloud that does not wait long for what will never come."""
    with local_stack.local_cloud(patience=45) as running:
        yield running


def test_a_broken_model_fails_the_stack_and_leaves_nothing(cloud: LocalCloud) -> None:
    packaged = package(build(), ARTIFACTS, "whisper", cloud.region)
    template_url = local_stack.upload_template(cloud, packaged)
    s3 = cloud.client("s3")
    for path in sorted(DEMO_MODEL.glob("*.json")):
        s3.upload_file(str(path), ARTIFACTS, f"broken/{path.name}")
    half = (DEMO_MODEL / "model.bin").read_bytes()[:2_000_000]
    s3.put_object(Bucket=ARTIFACTS, Key="broken/model.bin", Body=half)
    before = inventory.take(cloud)

    with pytest.raises(StackFailed) as caught:
        deploy(
            cloud, template_url, {"ModelS3Uri": f"s3://{ARTIFACTS}/broken/"}, name="broken-model"
        )

    assert "SageMaker says" in str(caught.value)
    assert "did not pass the ping" in str(caught.value)
    assert "The model could not be loaded" in str(caught.value)
    cloud.client("cloudformation").delete_stack(StackName="broken-model")
    cloud.engine.join()
    assert inventory.take(cloud) - before == {}
