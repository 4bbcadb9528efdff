# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from deploy_whisper.archive import resource
from deploy_whisper.budget import Budget
from deploy_whisper.requests import CloudFormationEvent
from deploy_whisper.settings import Environment

HUB = "https://hub.example"


class NoFiles:
    def files(self):
        return []


@pytest.mark.parametrize(
    ("given", "asked"), [("", HUB), ("https://mirror.example/hub/", "https://mirror.example/hub")]
)
def test_the_stacks_mirror_comes_before_the_functions_hub(s3, tmp_path, monkeypatch, given, asked):
    urls = []

    def source(s3, secrets, settings, hub_url, sleep):
        urls.append(hub_url)
        return NoFiles()

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(resource, "source", source)
    (tmp_path / "deployment.py").write_text("")
    event = CloudFormationEvent(
        "Create",
        "arn:aws:cloudformation:us-east-1:123456789012:stack/calls/0a1b2c3d",
        {
            "Bucket": "bucket",
            "Prefix": "whisper-sagemaker/calls-0a1b2c3d/",
            "ModelSize": "base",
            "HubUrl": given,
        },
    )
    archive = resource.ModelArchive(event, Environment(tmp_path, HUB))
    archive.poll(Budget(95, life=100))

    assert urls == [asked]
    assert archive.physical_id.startswith("s3://bucket/whisper-sagemaker/calls-0a1b2c3d/")
