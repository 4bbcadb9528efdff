# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One suite for two stand-ins: the fake that chaos runs on, and moto.

Where one of them cannot do what AWS does, or does otherwise, the test says what AWS does, and its
mark ``differs`` names the stand-in with the reason. A stand-in that learns it fails until it is
off the mark.
"""

import boto3
import pytest
from moto import mock_aws

from tests.chaos.aws import Aws
from tests.fakes.object_store import Bucket
from tests.unit.local_cloud.parity.calls import REGION


def pytest_configure(config):
    config.addinivalue_line("markers", "differs(**reasons): where a stand-in is unlike AWS")


class Fake:
    """The services in memory."""

    def __init__(self):
        self._aws = Aws()

    def client(self, service):
        return self._aws.client(service)

    def make_bucket(self, name, *, is_versioned=False, expires_after_days=0):
        self._aws.s3.buckets[name] = Bucket(
            is_versioned=is_versioned, expires_after_days=expires_after_days
        )


class Moto:
    """The services of moto."""

    def client(self, service):
        return boto3.client(service, region_name=REGION)

    def make_bucket(self, name, *, is_versioned=False, expires_after_days=0):
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name)
        if is_versioned:
            status = {"Status": "Enabled"}
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)
        if expires_after_days:
            rule = {
                "ID": "expire",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "Expiration": {"Days": expires_after_days},
            }
            s3.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration={"Rules": [rule]}
            )


@pytest.fixture(params=["fake", "moto"])
def aws(request):
    mark = request.node.get_closest_marker("differs")
    if mark and request.param in mark.kwargs:
        reason = f"{request.param}: {mark.kwargs[request.param]}"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    if request.param == "fake":
        yield Fake()
    else:
        with mock_aws():
            yield Moto()
