# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from live_whisper.errors import EndpointUnusable, LiveError, RecordingsUnusable, SinkFailed
from live_whisper.sinks.lca_kinesis import KinesisSink
from live_whisper.transport import aws
from live_whisper.transport.recordings import RecordingJobs
from live_whisper.transport.sagemaker import SageMakerEndpoint
from tests.unit.live.conftest import without_region

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALLS: dict[type[LiveError], Callable[[], Any]] = {
    EndpointUnusable: lambda: SageMakerEndpoint("whisper", region="eu-west-1")(b"{}"),
    RecordingsUnusable: lambda: RecordingJobs("whisper", "eu-west-1"),
    SinkFailed: lambda: KinesisSink("calls", "call-1", region="eu-west-1").start(),
}


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nobody is signed in; return the file for profiles."""
    without_region(monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "config"


@pytest.mark.parametrize("refusal", CALLS, ids=lambda refusal: refusal.__name__)
def test_whatever_needs_credentials_says_how_to_get_them(
    refusal: type[LiveError], nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(refusal, match=r"^No AWS credentials were found; run `aws configure`"):
        CALLS[refusal]()
    nobody.write_text(
        "[profile work]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://example.com/start\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "work")
    with pytest.raises(refusal, match=r"^The AWS credentials cannot be used .+ `aws sso login`"):
        CALLS[refusal]()
    nobody.write_text("[profile work]\ncredential_process = false\n")
    with pytest.raises(refusal, match=r"^The AWS credentials cannot be used .+custom-process"):
        CALLS[refusal]()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    monkeypatch.delenv("AWS_PROFILE")
    with pytest.raises(refusal, match=r"cannot be used \(Partial .+AWS_SECRET_ACCESS_KEY\); sign"):
        CALLS[refusal]()


@pytest.mark.parametrize(
    ("set_to", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
    ],
)
def test_the_region_of_the_environment_is_that_of_boto3_or_of_the_other_sdks(
    set_to: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    made = aws.client("s3", None, EndpointUnusable, what="S3")
    assert made.meta.region_name == region
    made = aws.client("s3", "us-east-2", EndpointUnusable, what="S3")
    assert made.meta.region_name == "us-east-2"


def test_without_a_region_the_sentence_names_the_variable() -> None:
    with pytest.raises(EndpointUnusable, match="give --region or set AWS_REGION"):
        aws.client("sqs", None, EndpointUnusable, what="SQS")


def test_a_second_client_reads_no_service_model_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def made() -> Any:
        return aws.client("lambda", "eu-west-1", RecordingsUnusable, what="The stack")

    made()
    monkeypatch.setattr(aws._LOADER, "file_loader", None)
    assert made().meta.region_name == "eu-west-1"
    # Nor does what is kept grow with each session.
    assert len(aws._LOADER.search_paths) == 2
    monkeypatch.setenv("AWS_DATA_PATH", "/nonexistent")
    assert aws._session().get_component("data_loader") is not aws._LOADER
