# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A model that cannot work: the health route never says 200, and the stack says why and goes."""

from collections.abc import Callable

import pytest

from benchmarks.references import DEMO_MODEL
from local_cloud import inventory
from local_cloud.sagemaker.hosting import Container, Health
from local_cloud.sagemaker.ray_hosting import RayHosting
from local_cloud.server import LocalCloud
from scripts.local_stack import ARTIFACTS, StackFailed, deploy

pytestmark = pytest.mark.slow


def test_a_broken_model_fails_the_stack_and_leaves_nothing(
    cloud: LocalCloud, template_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosting = cloud.hosting
    assert isinstance(hosting, RayHosting)
    monkeypatch.setattr(hosting, "health", _until_it_is_said(hosting))
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
    cloud.operations.join()
    assert inventory.take(cloud) - before == {}


def _until_it_is_said(hosting: RayHosting) -> Callable[[Container], tuple[Health, str]]:
    """Check health as it is done, and give up once the container's log says what is wrong."""
    health = hosting.health

    def check(container: Container) -> tuple[Health, str]:
        if hosting.first_error():
            hosting._hosts[container.name].give_up = 0
        return health(container)

    return check
