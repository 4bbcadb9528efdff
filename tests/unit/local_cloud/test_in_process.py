# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the cloud's own clients get without a socket is what others get through one."""

import io

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from local_cloud.access import RunKeys
from tests.unit.local_cloud.test_access import client

KEY = "é x/+%20&=.txt"
BODIES = {"text": b"some text", "empty": b"", "large": bytes(range(256)) * 4_000}


@pytest.fixture
def sent(monkeypatch):
    """The URLs that are sent through a socket."""
    urls: list[str] = []
    send = URLLib3Session.send

    def watched(session, request):
        urls.append(request.url)
        return send(session, request)

    monkeypatch.setattr(URLLib3Session, "send", watched)
    return urls


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_object_is_the_same_both_ways(cloud, bucket, sent, body):
    own, other = cloud.client("s3"), client(cloud, "s3")
    own.put_object(Bucket=bucket, Key=KEY, Body=io.BytesIO(body), Metadata={"a": "b"})
    there = own.get_object(Bucket=bucket, Key=KEY)
    assert sent == []
    through_socket = other.get_object(Bucket=bucket, Key=KEY)
    assert len(sent) == 1
    assert there["Body"].read() == through_socket["Body"].read() == body
    for name in ("ContentLength", "ETag", "Metadata", "ContentType"):
        assert there[name] == through_socket[name]
    part = own.get_object(Bucket=bucket, Key=KEY, Range="bytes=0-3")["Body"].read() if body else b""
    assert part == body[:4]
    assert own.head_object(Bucket=bucket, Key=KEY)["ContentLength"] == len(body)


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3", lambda c: c.get_object(Bucket="nobody-has-this", Key="a")),
        ("iam", lambda c: c.get_role(RoleName="none")),
        ("sagemaker", lambda c: c.describe_endpoint(EndpointName="none")),
        ("events", lambda c: c.describe_rule(Name="none")),
    ],
)
def test_an_error_is_the_same_both_ways(cloud, service, call):
    said = []
    for one in (cloud.client(service), client(cloud, service)):
        with pytest.raises(ClientError) as refused:
            call(one)
        answer = refused.value.response
        said.append((answer["Error"], answer["ResponseMetadata"]["HTTPStatusCode"]))
    assert said[0] == said[1]


def test_a_wrong_key_is_refused_without_a_socket_too(cloud, sent):
    wrong = RunKeys()
    session = boto3.Session(wrong.key_id, wrong.secret, region_name="us-east-1")
    cloud.in_process.register(session.events)
    with pytest.raises(ClientError) as refused:
        session.client("iam", endpoint_url=cloud.url).list_roles()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"
    assert sent == []


def test_requests_that_may_time_out_and_those_of_other_clouds_go_through_a_socket(cloud, sent):
    with pytest.raises(ClientError):
        cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="none", Body=b"x")
    assert len(sent) == 1
    elsewhere = boto3.Session(cloud.keys.key_id, cloud.keys.secret, region_name="us-east-1")
    cloud.in_process.register(elsewhere.events)
    here = cloud.url.replace("127.0.0.1", "localhost")
    elsewhere.client("iam", endpoint_url=here).list_roles()
    assert len(sent) == 2
