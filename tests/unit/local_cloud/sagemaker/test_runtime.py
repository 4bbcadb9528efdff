# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3
from botocore.exceptions import ClientError

from local_cloud.sagemaker.hosting import Health
from local_cloud.sagemaker.runtime import MAX_BODY_BYTES
from local_cloud.server import LocalCloud
from tests.fakes.endpoints import make_endpoint
from tests.fakes.stand_ins import ScriptedHosting

TRANSPORT = {"host", "content-length", "accept-encoding", "user-agent"}
"""Headers that every HTTP client writes for its own connection."""


class Echo(BaseHTTPRequestHandler):
    """A container that answers what it was asked, in the way its body asks for."""

    released = threading.Event()

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wish = json.loads(body) if body.startswith(b"{") else {}
        if wish.get("hang"):
            self.released.wait(30)
        answer = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers),
            "size": len(body),
        }
        payload = wish.get("body", json.dumps(answer)).encode("latin-1")
        self.send_response(wish.get("status", 200))
        for name, value in wish.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *arguments):
        pass


class EchoHosting(ScriptedHosting):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._echo = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        threading.Thread(target=self._echo.serve_forever, args=(0.02,), daemon=True).start()
        self.address_now = f"http://127.0.0.1:{self._echo.server_port}"

    def address(self, container):
        return self.address_now

    def close(self):
        super().close()
        Echo.released.set()
        self._echo.shutdown()
        self._echo.server_close()


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud(EchoHosting, invocation_timeout=1) as cloud:
        client = cloud.client("sagemaker")
        make_endpoint(client, "calls")
        assert isinstance(cloud.hosting, EchoHosting)
        cloud.hosting.outcome = (Health.STARTING, "")
        client.create_endpoint(EndpointName="starting", EndpointConfigName="c")
        yield cloud


@pytest.fixture
def invoke(cloud):
    client = cloud.client("sagemaker-runtime", retries={"max_attempts": 1})

    def call(wish=None, endpoint="calls", **request):
        return client.invoke_endpoint(EndpointName=endpoint, Body=json.dumps(wish or {}), **request)

    return call


def received(answer):
    return {name.lower(): value for name, value in json.loads(answer)["headers"].items()}


def test_the_container_is_asked_at_its_root(invoke):
    answer = invoke(ContentType="application/json")
    assert json.loads(answer["Body"].read())["path"] == "/"
    assert answer["InvokedProductionVariant"] == "AllTraffic"


def test_another_api_is_asked_at_its_own_path_and_answers_for_itself(cloud):
    for wish, status in (({}, 200), ({"status": 415, "body": "no"}, 415)):
        answer = urllib3.request(
            "POST",
            f"{cloud.unsigned_url}/endpoints/calls/v1/audio/transcriptions",
            body=json.dumps(wish),
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
        assert answer.status == status
    assert answer.data == b"no"
    answer = urllib3.request(
        "POST", f"{cloud.unsigned_url}/endpoints/calls/v1/audio/transcriptions"
    )
    assert json.loads(answer.data)["path"] == "/v1/audio/transcriptions"
    answer = urllib3.request("GET", f"{cloud.unsigned_url}/endpoints/calls/v1/models")
    received = json.loads(answer.data)
    assert (received["method"], received["path"]) == ("GET", "/v1/models")
    answer = urllib3.request(
        "POST", f"{cloud.unsigned_url}/endpoints/nobody/v1/audio/transcriptions"
    )
    assert answer.status == 404


def test_only_the_adapters_headers_pass(cloud):
    answer = urllib3.request(
        "POST",
        f"{cloud.unsigned_url}/endpoints/calls/invocations",
        body=b"x",
        headers={
            "Content-Type": "audio/wav",
            "Accept": "text/plain",
            "X-Amzn-SageMaker-Custom-Attributes": "call=1",
            "x-amzn-sagemaker-anything": "passes",
            "Authorization": "AWS4-HMAC-SHA256 Credential=secret",
            "Cookie": "session=1",
            "X-Forwarded-For": "10.0.0.1",
            "X-Amzn-Trace-Id": "1",
        },
    )
    headers = received(answer.data)
    assert {name: value for name, value in headers.items() if name not in TRANSPORT} == {
        "content-type": "audio/wav",
        "accept": "text/plain",
        "x-amzn-sagemaker-custom-attributes": "call=1",
        "x-amzn-sagemaker-anything": "passes",
    }


def test_a_missing_accept_becomes_json(invoke):
    headers = received(invoke(ContentType="application/json")["Body"].read())
    assert headers["accept"] == "application/json"
    headers = received(invoke(Accept="text/vtt")["Body"].read())
    assert headers["accept"] == "text/vtt"


def test_custom_attributes_pass_both_ways(invoke):
    wish = {
        "headers": {
            "Content-Type": "text/vtt",
            "X-Amzn-SageMaker-Custom-Attributes": "from the container",
            "Retry-After": "1",
            "Set-Cookie": "a=b",
        }
    }
    answer = invoke(wish, CustomAttributes="from the caller")
    assert answer["CustomAttributes"] == "from the container"
    assert answer["ContentType"] == "text/vtt"
    kept = {name.lower() for name in answer["ResponseMetadata"]["HTTPHeaders"]}
    assert "retry-after" not in kept
    assert "set-cookie" not in kept
    assert received(answer["Body"].read())["x-amzn-sagemaker-custom-attributes"] == (
        "from the caller"
    )


def test_the_largest_body(cloud):
    url = f"{cloud.unsigned_url}/endpoints/calls/invocations"
    answer = urllib3.request("POST", url, body=bytes(MAX_BODY_BYTES))
    assert (answer.status, answer.json()["size"]) == (200, 6_291_456)
    answer = urllib3.request("POST", url, body=bytes(MAX_BODY_BYTES + 1))
    assert answer.status == 413
    assert answer.json()["Message"] == "Body is larger than 6291456 bytes."


def test_the_largest_body_through_boto3(cloud):
    client = cloud.client("sagemaker-runtime")
    with pytest.raises(ClientError) as refusal:
        client.invoke_endpoint(EndpointName="calls", Body=bytes(MAX_BODY_BYTES + 1))
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert refusal.value.response["Error"]["Code"] == "ValidationError"


def test_an_answer_that_takes_too_long(invoke):
    with pytest.raises(ClientError) as refusal:
        invoke({"hang": True})
    response = refusal.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 0
    assert response["OriginalMessage"].startswith("Your invocation timed out while waiting")


@pytest.mark.parametrize(
    ("status", "side"),
    [(400, "client"), (422, "client"), (500, "server"), (503, "server"), (302, "server")],
)
def test_a_containers_error_is_wrapped(invoke, status, side):
    sentence = '{"error": "say it louder"}'
    with pytest.raises(ClientError) as refusal:
        invoke({"status": status, "body": sentence, "headers": {"Location": "/elsewhere"}})
    response = refusal.value.response
    assert type(refusal.value).__name__ == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"] == sentence
    group = "/aws/sagemaker/Endpoints/calls"
    assert response["LogStreamArn"].endswith(f"log-group:{group}")
    assert response["Message"] == (
        f"Received {side} error ({status}) from primary with message "
        f'"{sentence}". See {group} in CloudWatch Logs.'
    )


def test_an_error_that_is_no_text(invoke):
    with pytest.raises(ClientError) as refusal:
        invoke({"status": 500, "body": "\xff\xfe"})
    assert refusal.value.response["OriginalMessage"] == "\ufffd\ufffd"


def test_a_container_that_is_gone(cloud, invoke, monkeypatch):
    monkeypatch.setattr(cloud.hosting, "address_now", "http://127.0.0.1:9")
    with pytest.raises(ClientError) as refusal:
        invoke()
    assert refusal.value.response["OriginalStatusCode"] == 500


@pytest.mark.parametrize("endpoint", ["nobody", "starting"])
def test_an_endpoint_that_is_not_in_service(invoke, endpoint):
    with pytest.raises(ClientError) as refusal:
        invoke(endpoint=endpoint)
    assert refusal.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": f"Endpoint {endpoint} of account 123456789012 not found.",
    }
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
