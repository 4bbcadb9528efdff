# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Signatures by the deployment's own pair: made by botocore, checked by the API."""

import json
import time

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings.api.sigv4 import CLOCK_SECONDS, PAIR_ID
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.unit.recordings.http_api import PAIR_SECRETS, AskedApi

HOST = "abc.execute-api.eu-west-1.amazonaws.com"
URI = f"s3://{BUCKET}/uploads/a.wav"
JOB = {"TranscriptionJobName": "a", "LanguageCode": "en-US", "Media": {"MediaFileUri": URI}}
START = {"X-Amz-Target": "Transcribe.StartTranscriptionJob"}


@pytest.fixture
def ahead():
    """How many seconds the API's clock is ahead of whoever signs."""
    return [0.0]


@pytest.fixture
def api(ahead):
    world = RecordingsWorld()
    world.upload("uploads/a.wav", "good 1", copies=())
    return AskedApi(world, lambda: time.time() + sum(ahead))


def signed(
    method="POST",
    path="/transcribe",
    body="",
    query=None,
    headers=None,
    *,
    key_id=PAIR_ID,
    secret=PAIR_SECRETS[0],
    service="transcribe",
    region="eu-west-1",
):
    """Return what reaches the API of a request that botocore has signed."""
    text = "&".join(f"{name}={value}" for name, value in (query or {}).items())
    url = f"https://{HOST}{path}{'?' if text else ''}{text}"
    request = AWSRequest(method, url, headers or {}, body)
    SigV4Auth(Credentials(key_id, secret), service, region).add_auth(request)
    sent = {**dict(request.headers.items()), "Host": HOST}
    return {"method": method, "path": path, "body": body, "query": query, "headers": sent}


def start():
    return signed(body=json.dumps(JOB), headers=START)


def asked(api, request):
    answer = api.raw(**request)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("secret", PAIR_SECRETS)
@pytest.mark.parametrize("service", ["transcribe", "execute-api"])
@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_both_secrets_are_taken_during_a_rotation(api, secret, service, region):
    listed = signed("GET", "/jobs", secret=secret, service=service, region=region)
    assert asked(api, listed) == (200, {"jobs": []})


def test_boto3_as_it_is_has_a_recording_transcribed(api):
    client = api.transcribe(PAIR_ID, PAIR_SECRETS[0], context={})
    client.start_transcription_job(**JOB)
    api.world.quiesce()
    told = client.get_transcription_job(TranscriptionJobName="a")["TranscriptionJob"]
    assert told["TranscriptionJobStatus"] == "COMPLETED"
    with pytest.raises(client.exceptions.ConflictException):
        client.start_transcription_job(**JOB)


@pytest.mark.parametrize("path", ["/transcribe", "/transcribe/"])
def test_a_slash_at_the_end_is_the_same_place(api, path):
    request = start()
    assert asked(api, {**request, "path": path})[0] == 200


def test_what_follows_a_path_is_signed(api):
    request = signed("GET", "/jobs", query={"status": "FAILED", "limit": "5"})
    assert asked(api, request) == (200, {"jobs": []})
    for query in ({"status": "FAILED", "limit": "6"}, {"status": "FAILED"}, None):
        assert asked(api, {**request, "query": query})[0] == 401


def other_headers(**given):
    """Return an alteration of headers: None leaves one out."""

    def altered(request):
        headers = {name.lower(): value for name, value in request["headers"].items()}
        headers |= {name.replace("_", "-"): value for name, value in given.items()}
        return {**request, "headers": {name: one for name, one in headers.items() if one}}

    return altered


def other_authorization(old, new):
    def altered(request):
        text = request["headers"]["Authorization"]
        assert old in text
        return other_headers(authorization=text.replace(old, new))(request)

    return altered


def resigned(**given):
    return lambda request: signed(**{**request, "headers": START, **given})


ALTERED = {
    "body": lambda request: {**request, "body": request["body"].replace("a.wav", "b.wav")},
    "a blank in the body": lambda request: {**request, "body": f"{request['body']} "},
    "path": lambda request: {**request, "path": "/jobs"},
    "path below": lambda request: {**request, "path": "/transcribe/a"},
    "method": lambda request: {**request, "method": "PUT"},
    "query": lambda request: {**request, "query": {"a": "b"}},
    "operation": other_headers(x_amz_target="Transcribe.DeleteTranscriptionJob"),
    "host": other_headers(host="other.execute-api.eu-west-1.amazonaws.com"),
    "no host": other_headers(host=None),
    "time": other_headers(x_amz_date=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 1))),
    "no time": other_headers(x_amz_date=None),
    "a time that is none": other_headers(x_amz_date="now"),
    "secret": resigned(secret="the-wrong-secret-of-the-pair"),
    "no secret": resigned(secret=""),
    "key id": resigned(key_id="AKIAIOSFODNN7EXAMPLE"),
    "service": resigned(service="s3"),
    "operation not signed": other_authorization(";x-amz-target", ""),
    "host not signed": other_authorization("host;", ""),
    "region": other_authorization("eu-west-1", "us-east-1"),
    "algorithm": other_authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
    "no signature": other_authorization("Signature=", "Signature"),
    "half of it": lambda request: other_authorization(
        request["headers"]["Authorization"][-32:], ""
    )(request),
}


@pytest.mark.parametrize("what", ALTERED)
def test_whatever_is_altered_is_refused(api, what):
    request = start()
    altered = ALTERED[what](request)
    assert altered != request
    status, document = asked(api, altered)
    assert status in (401, 403), document
    assert api.world.statuses == {}
    for secret in PAIR_SECRETS:
        assert secret not in json.dumps(document)
    assert asked(api, request)[0] == 200


def test_a_digest_that_is_told_is_no_body(api):
    """Some clients sign the digest of the body as a header, too: the body itself counts."""
    request = signed(body=json.dumps(JOB), headers={**START, "X-Amz-Content-SHA256": "0" * 64})
    assert asked(api, request)[0] == 403


@pytest.mark.parametrize("seconds", [-CLOCK_SECONDS + 2, CLOCK_SECONDS - 2])
def test_a_clock_may_be_five_minutes_off(api, ahead, seconds):
    request = start()
    ahead.append(seconds)
    assert asked(api, request)[0] == 200


@pytest.mark.parametrize("seconds", [-CLOCK_SECONDS - 2, CLOCK_SECONDS + 2, 86_400.0])
def test_a_signature_of_another_time_is_refused(api, ahead, seconds):
    request = start()
    ahead.append(seconds)
    status, document = asked(api, request)
    assert (status, document["__type"]) == (403, "InvalidSignatureException")
    assert document["Message"].startswith("Set the clock, or sign again")


def test_a_request_that_is_sent_again_makes_no_second_job(api, ahead):
    request = start()
    assert asked(api, request)[0] == 200
    status, document = asked(api, request)
    assert (status, document["__type"]) == (409, "ConflictException")
    ahead.append(CLOCK_SECONDS + 2)
    assert asked(api, request)[0] == 403
    assert len(api.world.statuses) == 1


def test_each_dialect_says_it_in_its_own_words(api):
    wrong = {"secret": "the-wrong-secret-of-the-pair"}
    status, document = asked(api, signed("GET", "/jobs", **wrong))
    assert (status, document["code"]) == (401, "SignatureRefused")
    assert asked(api, signed("GET", "/ifw/tasks", **wrong)) == (401, {"detail": "Unauthorized"})
    client = api.transcribe(PAIR_ID, **wrong, context={})
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.get_transcription_job(TranscriptionJobName="a")
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_key_is_taken_beside_a_pair_and_its_lack_is_said(api):
    assert api.ask("GET", "/jobs")[0] == 200
    status, document = api.ask("GET", "/jobs", headers={})
    assert status == 401
    assert f"or sign with {PAIR_ID}" in document["error"]


def test_without_a_pair_no_signature_is_taken():
    api = AskedApi(RecordingsWorld())
    status, document = asked(api, signed("GET", "/jobs"))
    assert status == 401
    assert "JobsApiAuthorization is pair, or iam outside of /ifw" in document["error"]


def authorization(key_id, day, names, value):
    return (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{day}/eu-west-1/transcribe/aws4_request, "
        f"SignedHeaders={names}, Signature={value}"
    )


AUTHORIZATIONS = st.builds(
    authorization,
    st.just(PAIR_ID) | st.text(max_size=8),
    st.just("20260131") | st.text(max_size=8),
    st.sampled_from(["host;x-amz-date", "host;x-amz-date;x-amz-target", "host", "", "é"]),
    st.just("0" * 64) | st.text(max_size=8),
)


@settings(max_examples=60, deadline=None)
@given(
    authorization=AUTHORIZATIONS | st.text(max_size=20).map(lambda one: f"AWS4-HMAC-SHA256 {one}"),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "x-amz-date": st.just("20260131T235959Z") | st.text(max_size=16),
            "x-amz-target": st.text(max_size=8),
            "host": st.text(max_size=8),
        },
    ),
    path=st.text(max_size=10),
)
def test_no_header_lets_anybody_in(authorization, headers, path):
    api = AskedApi(RecordingsWorld(), lambda: 1_769_903_999.0)  # of the time above
    headers = {**headers, "authorization": authorization}
    for root in ("jobs", "transcribe", "ifw"):
        status, _ = api.ask("GET", f"/{root}/{path}", "", headers=headers)
        assert status in (401, 403)
