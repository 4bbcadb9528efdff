# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import functools
import http.server
import logging
import shutil
import threading
import time

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from playwright.sync_api import sync_playwright

from local_cloud import inventory
from local_cloud.access import RunKeys
from tests.browser import FLAGS

WRONG = RunKeys()


def client(cloud, service, key_id="", secret="", **config):
    return boto3.client(
        service,
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id=key_id or cloud.keys.key_id,
        aws_secret_access_key=secret or cloud.keys.secret,
        config=Config(retries={"max_attempts": 1}, **config),
    )


@pytest.mark.parametrize(
    ("service", "call", "codes"),
    [
        ("s3", lambda c: c.list_buckets(), ("InvalidAccessKeyId", "SignatureDoesNotMatch")),
        (
            "sagemaker",
            lambda c: c.list_endpoints(),
            ("UnrecognizedClientException", "InvalidSignatureException"),
        ),
        (
            "sagemaker-runtime",
            lambda c: c.invoke_endpoint(EndpointName="any", Body=b"x"),
            ("UnrecognizedClientException", "InvalidSignatureException"),
        ),
        (
            "cloudformation",
            lambda c: c.describe_stacks(),
            ("InvalidClientTokenId", "SignatureDoesNotMatch"),
        ),
        (
            "lambda",
            lambda c: c.list_functions(),
            ("UnrecognizedClientException", "InvalidSignatureException"),
        ),
    ],
)
def test_other_keys_than_those_of_the_run_are_refused_as_the_service_does(
    cloud, service, call, codes
):
    unknown = client(cloud, service, WRONG.key_id, WRONG.secret)
    mistaken = client(cloud, service, secret=WRONG.secret)
    for stranger, code in zip((unknown, mistaken), codes, strict=True):
        with pytest.raises(ClientError) as refusal:
            call(stranger)
        assert refusal.value.response["Error"]["Code"] == code
        assert "use the keys of this run" in refusal.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("PUT", "/bucket"),
        ("POST", "/?Action=DescribeStacks"),
        ("POST", "/endpoints/any/invocations"),
        ("POST", "/endpoints/any/v1/audio/transcriptions"),
        ("POST", "/moto-api/reset"),
        ("GET", "/moto-api/data.json"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("GET", "//_local/hub/api"),
        ("GET", "/_local"),
        ("GET", "/_local/hub/api"),
        ("POST", "/_local/{wrong}/endpoints/any/invocations"),
    ],
)
def test_a_request_without_signature_or_path_is_refused(cloud, method, path):
    for host in (cloud.url, cloud.url.replace("127.0.0.1", "localhost")):
        answer = urllib3.request(method, host + path.format(wrong=WRONG.path))
        assert answer.status == 403
        assert answer.data.endswith(b".\n")
        assert b"this run" in answer.data


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"Origin": "https://example.com"}),
        ("POST", {"Origin": "null"}),
        ("POST", {"Sec-Fetch-Site": "cross-site"}),
        ("POST", {"Host": "example.com"}),
        ("POST", {"Host": "127.0.0.1"}),
        ("POST", {"Host": ""}),
        ("OPTIONS", {}),
        ("OPTIONS", {"Origin": "https://example.com", "Access-Control-Request-Method": "PUT"}),
    ],
)
def test_a_page_is_refused_whatever_it_knows(cloud, method, headers):
    for path in (
        "/",
        f"/_local/{cloud.keys.path}/endpoints/any/invocations",
        "/_local/responses/x",
    ):
        answer = urllib3.request(method, f"{cloud.url}{path}", headers=headers)
        assert answer.status == 403
        assert not any(name.startswith("Access-Control") for name in answer.headers)


def test_a_signed_request_of_a_page_is_refused(cloud):
    signed = client(cloud, "s3")
    signed.meta.events.register(
        "before-send.s3.*", lambda request, **_: request.headers.update(Origin="null")
    )
    with pytest.raises(ClientError, match="Web pages may not ask"):
        signed.list_buckets()


def test_what_was_signed_cannot_be_changed(cloud):
    def other(request, **_):
        request.body = request.body.replace(b"mine", b"your")

    signed = client(cloud, "logs")
    signed.meta.events.register("before-send.logs.*", other)
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        signed.create_log_group(logGroupName="mine")


@pytest.mark.parametrize(
    "key", ["a", "a b+c/%41/ü", "//a", "a/../b", "~(a)!*'&$=@:,;?.wav", "a" * 1000]
)
def test_odd_keys_of_objects_are_signed_as_they_are_sent(cloud, bucket, key):
    s3 = client(cloud, "s3")
    s3.put_object(Bucket=bucket, Key=key, Body=b"data", Metadata={"a_b": "1  2"})
    answer = s3.get_object(Bucket=bucket, Key=key)
    assert answer["Body"].read() == b"data"
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key[:2])["Contents"]
    assert [item["Key"] for item in listed] == [key]


def test_a_signed_address_lets_in_until_it_expires(cloud, bucket, monkeypatch):
    cloud.client("s3").put_object(Bucket=bucket, Key="a b", Body=b"data")
    signing = client(cloud, "s3", signature_version="s3v4")
    sign = functools.partial(signing.generate_presigned_url, "get_object")
    address = sign({"Bucket": bucket, "Key": "a b"}, ExpiresIn=60)
    assert urllib3.request("GET", address).data == b"data"
    assert urllib3.request("GET", f"{address}0").status == 403
    assert urllib3.request("GET", address.replace("a%20b", "other")).status == 403
    assert (
        urllib3.request("GET", sign({"Bucket": bucket, "Key": "a b"}, ExpiresIn=-1)).status == 403
    )
    endless = address.replace("X-Amz-Expires=60", f"X-Amz-Expires={10**30}")
    assert urllib3.request("GET", endless).status == 403
    older = client(cloud, "s3", signature_version="s3")
    address = older.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b"})
    assert urllib3.request("GET", address).status == 403


PAGE = b"""<title>attack</title><form method="post" enctype="text/plain" target="frame">
<input name="Action=CreateStack&amp;x" value="y"></form><iframe name="frame"></iframe>"""

ATTACK = """async ([cloud, path]) => {
  const outcomes = {};
  const tried = async (name, address, options) => {
    try {
      const answer = await fetch(address, options);
      outcomes[name] = answer.type === "opaque" ? "opaque" : answer.status;
    } catch (error) { outcomes[name] = "refused"; }
  };
  await tried("bucket", `${cloud}/of-a-page`, { method: "PUT" });
  await tried("reset", `${cloud}/moto-api/reset`, { method: "POST", mode: "no-cors" });
  await tried("simple", `${cloud}/?Action=DescribeStacks`, { method: "POST", mode: "no-cors" });
  await tried("get", `${cloud}/`, {});
  await tried("get without cors", `${cloud}/`, { mode: "no-cors" });
  await tried("path", `${cloud}/_local/${path}/endpoints/any/invocations`, {
    method: "POST", mode: "no-cors", body: "x" });
  const form = document.forms[0];
  if (form) { form.action = `${cloud}/`; form.submit(); }
  return outcomes;
}"""


@pytest.fixture(scope="module")
def page():
    """A page of another origin, in a browser that finds this machine behind ``rebound.test``."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *arguments):
            pass

    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with sync_playwright() as playwright:
        # Not every browser keeps pages of the internet away from addresses of this machine.
        naive = ["--disable-features=LocalNetworkAccessChecks"]
        naive += ["--host-resolver-rules=MAP rebound.test 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS + naive)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
        browser.close()
    server.shutdown()
    server.server_close()


def resources(cloud):
    """Count what is there but processes, since the browser's own come and go."""
    counts = inventory.take(cloud)
    del counts["processes"]
    return counts


def wait_for_refusals(caplog, count):
    """Wait until so many requests were refused; a line is written after the answer."""
    give_up = time.monotonic() + 30
    while sum(" 403 " in record.getMessage() for record in caplog.records) < count:
        assert time.monotonic() < give_up, caplog.messages
        time.sleep(0.05)


def test_a_page_in_a_browser_gets_nothing_done(cloud, page, caplog):
    caplog.set_level(logging.DEBUG, logger="local_cloud.server")
    before = resources(cloud)
    with page.expect_response(lambda answer: answer.request.is_navigation_request()) as navigated:
        outcomes = page.evaluate(ATTACK, [cloud.url, cloud.keys.path])
    assert navigated.value.status == 403
    assert outcomes.pop("get without cors") == "opaque"
    assert outcomes.pop("reset") == outcomes.pop("simple") == outcomes.pop("path") == "opaque"
    assert set(outcomes.values()) == {"refused"}
    wait_for_refusals(caplog, 7)
    assert resources(cloud) == before


def test_a_name_that_is_pointed_to_this_machine_opens_nothing(cloud, page, caplog):
    caplog.set_level(logging.DEBUG, logger="local_cloud.server")
    before = resources(cloud)
    rebound = cloud.url.replace("127.0.0.1", "rebound.test")
    # Its owner's server has given the page; what the page asks for comes here.
    page.route(f"{rebound}/page", lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto(f"{rebound}/page")
    outcomes = page.evaluate(ATTACK, [rebound, cloud.keys.path])
    assert set(outcomes.values()) == {403}
    wait_for_refusals(caplog, len(outcomes))
    assert resources(cloud) == before
