# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""HTTP APIs: routes, signatures as API Gateway checks them, what a function gets and answers."""

import datetime
import io
import json
import zipfile

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_cloud import inventory

ECHO = """
import json

def handler(event, context):
    if event["rawPath"].endswith("/fails"):
        raise ValueError("as planned")
    if event["rawPath"].endswith("/plain"):
        return {"any": "thing"}
    return {"statusCode": 201, "headers": {"X-A": "b"}, "body": json.dumps(event)}
"""
TYPES = "AWS::ApiGatewayV2::"


def part(kind, **properties):
    return {"Type": f"{TYPES}{kind}", "Properties": {"ApiId": {"Ref": "Api"}, **properties}}


def resources(function):
    target = {"Fn::Sub": "integrations/${Integration}"}
    return {
        "Api": {"Type": f"{TYPES}Api", "Properties": {"Name": "jobs", "ProtocolType": "HTTP"}},
        "Integration": part(
            "Integration",
            IntegrationType="AWS_PROXY",
            IntegrationUri=function,
            PayloadFormatVersion="2.0",
            TimeoutInMillis="30000",
        ),
        "Signed": part("Route", RouteKey="$default", AuthorizationType="AWS_IAM", Target=target),
        "Open": part(
            "Route", RouteKey="ANY /ifw/{proxy+}", AuthorizationType="NONE", Target=target
        ),
        "Stage": part("Stage", StageName="$default", AutoDeploy="true"),
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": function,
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {
                    "Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"
                },
            },
        },
    }


def changed(cloud, what, given, status):
    client = cloud.client("cloudformation")
    template = {
        "Resources": given,
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}},
    }
    getattr(client, f"{what}_stack")(StackName="api", TemplateBody=json.dumps(template))
    cloud.operations.join()
    (stack,) = client.describe_stacks(StackName="api")["Stacks"]
    assert stack["StackStatus"] == status
    return stack["Outputs"][0]["OutputValue"]


@pytest.fixture(scope="module")
def function(shared_cloud):
    client = shared_cloud.client("lambda")
    role = shared_cloud.client("iam").create_role(
        RoleName="echo", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"})
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("echo.py", ECHO)
    yield client.create_function(
        FunctionName="echo",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="echo.handler",
        Code={"ZipFile": content.getvalue()},
        Timeout=30,
    )["FunctionArn"]
    client.delete_function(FunctionName="echo")
    shared_cloud.client("iam").delete_role(RoleName="echo")
    shared_cloud.functions.end_idle()


@pytest.fixture(scope="module")
def url(shared_cloud, function):
    before = inventory.take(shared_cloud)
    url = changed(shared_cloud, "create", resources(function), "CREATE_COMPLETE")
    yield url
    shared_cloud.client("cloudformation").delete_stack(StackName="api")
    shared_cloud.operations.join()
    left = inventory.take(shared_cloud)
    assert {kind: left[kind] for kind in left if kind != "processes"} == dict(before)


def signed(cloud, url, body="{}", *, service="execute-api", secret="", at=0.0):
    """Return a POST's headers, signed as botocore signs them, so many seconds from now."""
    keys = cloud.keys
    headers = {"Content-Type": "application/json", "X-A": "b"}
    request = AWSRequest("POST", url, headers, body)
    signer = SigV4Auth(Credentials(keys.key_id, secret or keys.secret), service, cloud.region)
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=at)
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return dict(request.headers)


def ask(url, headers=None, body="{}", method="POST"):
    answer = urllib3.request(method, url, headers=headers, body=body, retries=False)
    return answer.status, answer.json(), answer.headers


def test_a_signed_request_reaches_the_function_and_says_who_signed_it(cloud, url):
    place = f"{url}/jobs/a%20b?x=1&x=2"
    status, event, headers = ask(place, signed(cloud, place))
    assert (status, headers["X-A"]) == (201, "b")
    assert (event["rawPath"], event["rawQueryString"]) == ("/jobs/a b", "x=1&x=2")
    assert event["queryStringParameters"] == {"x": "1,2"}
    assert (event["body"], event["isBase64Encoded"]) == ("{}", False)
    assert event["headers"]["x-a"] == "b"
    assert event["routeKey"] == "$default"
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == cloud.keys.key_id


def test_a_route_without_authorization_lets_in_everybody_and_tells_the_function_so(cloud, url):
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    status, event, _ = ask(f"{url}/ifw/tasks", headers)
    assert status == 201
    assert "authorizer" not in event["requestContext"]
    assert (event["body"], event["isBase64Encoded"]) == ("e30=", True)
    _, event, _ = ask(f"{url}/ifw/tasks", {"Content-Type": "application/json"}, b"\xff")
    assert (event["body"], event["isBase64Encoded"]) == ("/w==", True)
    assert event["routeKey"] == "ANY /ifw/{proxy+}"
    for path in ("/ifw", "/ifw/"):  # no greedy path without a part
        assert ask(f"{url}{path}", headers)[0] == 403


@pytest.mark.parametrize(
    ("asked", "how"),
    [
        ({"body": '{"a": 1}'}, {}),
        ({"path": "/jobs/2"}, {}),
        ({"query": "?a=2"}, {}),
        ({"headers": {"X-A": "c"}}, {}),
        ({"headers": {"Authorization": ""}}, {}),
        ({}, {"service": "transcribe"}),
        ({}, {"secret": "another"}),
        ({}, {"at": -301}),
        ({}, {"at": 301}),
        ({"method": "PUT"}, {}),
    ],
)
def test_what_was_not_signed_so_now_and_for_it_is_refused(cloud, url, asked, how):
    headers = {**signed(cloud, f"{url}/jobs/1?a=1", **how), **asked.get("headers", {})}
    place = f"{url}{asked.get('path', '/jobs/1')}{asked.get('query', '?a=1')}"
    given = {name: asked[name] for name in ("body", "method") if name in asked}
    assert ask(place, headers, **given)[:2] == (403, {"message": "Forbidden"})


def test_a_body_is_what_its_told_digest_says(cloud, url):
    place = f"{url}/jobs"
    told = signed(cloud, place)
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert ask(place, {**told, "X-Amz-Content-SHA256": digest})[0] == 201
    assert ask(place, {**told, "X-Amz-Content-SHA256": digest}, '{"a": 1}')[0] == 403


def test_a_replay_is_answered_until_its_clock_is_over(cloud, url, monkeypatch):
    place = f"{url}/jobs"
    headers = signed(cloud, place)
    assert [ask(place, headers)[0] for _ in range(2)] == [201, 201]
    later = datetime.datetime.now().timestamp() + 301
    monkeypatch.setattr("local_cloud.http_apis.time.time", lambda: later)
    assert ask(place, headers)[0] == 403


def test_what_is_no_answer_of_a_proxy_is_the_body(url):
    assert ask(f"{url}/ifw/plain", {})[:2] == (200, {"any": "thing"})


def test_a_function_that_fails_is_an_internal_error(url):
    assert ask(f"{url}/ifw/fails", {})[:2] == (500, {"message": "Internal Server Error"})


def test_there_is_nothing_elsewhere(cloud, url):
    assert ask(f"{cloud.url}/_apis/none/jobs", {})[:2] == (404, {"message": "Not Found"})


def test_a_function_must_allow_the_api_to_call_it(cloud, function, url):
    given = resources(function)
    given["Permission"]["Properties"]["SourceArn"] = (
        "arn:aws:execute-api:us-east-1:123456789012:other/*"
    )
    changed(cloud, "update", given, "UPDATE_COMPLETE")
    assert ask(f"{url}/ifw/tasks", {})[0] == 500
    changed(cloud, "update", resources(function), "UPDATE_COMPLETE")
    assert ask(f"{url}/ifw/tasks", {})[0] == 201


def test_a_route_may_be_changed(cloud, function, url):
    given = resources(function)
    given["Signed"]["Properties"]["AuthorizationType"] = "NONE"
    given["Api"]["Properties"]["Description"] = "open"
    assert changed(cloud, "update", given, "UPDATE_COMPLETE") == url
    assert ask(f"{url}/jobs", {})[0] == 201
    changed(cloud, "update", resources(function), "UPDATE_COMPLETE")
    assert ask(f"{url}/jobs", {})[0] == 403
