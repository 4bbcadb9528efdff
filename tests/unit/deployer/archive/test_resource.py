# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from deploy_whisper.archive import resource
from deploy_whisper.budget import Budget
from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.settings import Environment
from tests.chaos.aws import Aws
from tests.fakes.object_store import Bucket

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


ACCOUNT = "arn:aws:cloudformation:us-east-1:123456789012:stack"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:whisper"


@pytest.mark.parametrize("other", ["calls/ffffffff", "calls-2/0a1b2c3d", "other-calls/0a1b2c3d"])
@pytest.mark.parametrize("is_id", [True, False], ids=["by its id", "by the prefix"])
def test_another_stacks_archive_is_not_deleted(monkeypatch, tmp_path, other, is_id):
    """CloudFormation, or who can send events, names another's: by the id, or by the prefix."""
    aws = Aws()
    aws.s3.buckets["bucket"] = Bucket()
    monkeypatch.setattr("boto3.client", aws.client)
    theirs = f"whisper-sagemaker/{other.replace('/', '-')}/"
    ours = "whisper-sagemaker/calls-0a1b2c3d/"
    for home in (ours, theirs):
        key = f"{home}{'0' * 32}/manifest.json"
        aws.own_client("s3").put_object(Bucket="bucket", Key=key, Body=b"{}")
    event = CloudFormationEvent(
        "Delete",
        f"{ACCOUNT}/calls/0a1b2c3d",
        {"Bucket": "bucket", "Prefix": ours if is_id else theirs},
        physical_id=f"s3://bucket/{theirs if is_id else ours}{'0' * 32}/",
        function_arn=FUNCTION,
    )
    assert resource.ModelArchive(event, Environment(tmp_path, HUB)).poll_delete(Budget(60))
    assert list(aws.s3.buckets["bucket"].keys) == [f"{theirs}{'0' * 32}/manifest.json"]
