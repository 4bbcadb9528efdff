# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A model that cannot work: the health route never says 200, and the stack says why and goes."""

import pytest

from local_cloud import inventory
from local_cloud.server import LocalCloud
from scripts.local_stack import ARTIFACTS, DEMO_MODEL, StackFailed, deploy

pytestmark = pytest.mark.slow


def test_a_broken_model_fails_the_stack_and_leaves_nothing(
    cloud: LocalCloud, template_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What will never come is not waited for as long as a slow machine may need.
    monkeypatch.setattr(cloud.hosting, "_patience", 45)
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
