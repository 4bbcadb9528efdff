# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One set of tests for the job table in memory and in moto."""

import pytest
from moto import mock_aws

from recordings.table import JobTable
from tests.chaos.recordings.dynamo import FakeDynamo
from tests.fakes.object_store import Client
from tests.unit.recordings import aws


@pytest.fixture
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws.REGION)


@pytest.fixture(params=["memory", "moto"])
def dynamo(request, credentials):
    if request.param == "memory":
        yield Client(FakeDynamo().call)
        return
    with mock_aws():
        client = aws.client("dynamodb")
        aws.make_table(client)
        yield client


@pytest.fixture
def clock():
    """A clock whose hand is moved by adding to its list."""
    return [1_800_000_000.0]


@pytest.fixture
def table(dynamo, clock):
    return JobTable(dynamo, "jobs", days_kept=2, clock=lambda: sum(clock))
