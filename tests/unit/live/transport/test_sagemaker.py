# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from live_whisper.errors import EndpointUnusable, InvocationFailed
from live_whisper.transport.sagemaker import SageMakerEndpoint
from live_whisper.transport.total_timeout import INTERRUPTED

if TYPE_CHECKING:
    from tests.unit.live.conftest import RuntimeServer


def test_one_request_is_one_post_of_json_without_an_accept_header(runtime: RuntimeServer) -> None:
    assert json.loads(SageMakerEndpoint("whisper", runtime.url)(b'{"a":1}')) == {"text": " hello "}
    ((path, headers, body),) = runtime.requests
    assert path == "/endpoints/whisper/invocations"
    assert headers["Content-Type"] == "application/json"
    assert "Accept" not in headers
    assert body == b'{"a":1}'


def test_an_error_of_the_container_is_reported_with_its_own_sentence(
    runtime: RuntimeServer,
) -> None:
    inner = json.dumps({"error": "The audio is empty.", "code": "EmptyAudio"})
    runtime.fail(424, "ModelError", Message="Received 400", OriginalMessage=inner)
    with pytest.raises(InvocationFailed, match=r"HTTP 424 ModelError: The audio is empty\."):
        SageMakerEndpoint("whisper", runtime.url)(b"{}")


def test_an_error_of_the_container_in_other_words_is_passed_on_in_short(
    runtime: RuntimeServer,
) -> None:
    runtime.fail(424, "ModelError", Message="m", OriginalMessage="<html>\n" + "x" * 900)
    with pytest.raises(InvocationFailed) as caught:
        SageMakerEndpoint("whisper", runtime.url)(b"{}")
    assert str(caught.value).startswith("HTTP 424 ModelError: <html> xxx")
    assert len(str(caught.value)) < 350
    assert "\n" not in str(caught.value)


def test_503_fails_one_request_after_the_attempts_that_lca_makes(
    runtime: RuntimeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    runtime.fail(503, "ServiceUnavailable", Message="overloaded")
    with pytest.raises(InvocationFailed, match="HTTP 503 ServiceUnavailable: overloaded") as caught:
        SageMakerEndpoint("whisper", runtime.url)(b"{}")
    assert caught.value.is_passing
    assert len(runtime.requests) == 3


def test_an_unknown_endpoint_is_said_so(runtime: RuntimeServer) -> None:
    runtime.fail(400, "ValidationError", Message="Endpoint nope of account 1 not found.")
    with pytest.raises(EndpointUnusable, match=r"There is no endpoint nope at .*check its name"):
        SageMakerEndpoint("nope", runtime.url)(b"{}")


def test_another_validation_error_fails_only_the_request(runtime: RuntimeServer) -> None:
    runtime.fail(400, "ValidationError", Message="Body is too large.")
    with pytest.raises(InvocationFailed, match="too large"):
        SageMakerEndpoint("whisper", runtime.url)(b"{}")


def test_a_refused_caller_is_told_what_to_allow(runtime: RuntimeServer) -> None:
    runtime.fail(403, "AccessDeniedException", Message="secret detail")
    with pytest.raises(EndpointUnusable, match="sagemaker:InvokeEndpoint"):
        SageMakerEndpoint("whisper", runtime.url)(b"{}")


def test_an_address_where_nothing_listens(
    runtime: RuntimeServer, dead_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(EndpointUnusable, match=f"Nothing answers at {dead_url}"):
        SageMakerEndpoint("whisper", dead_url)(b"{}")


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_ends_with_its_time(runtime: RuntimeServer, part: str) -> None:
    runtime.drips, runtime.body = part, b"x" * 100_000
    endpoint = SageMakerEndpoint("whisper", runtime.url, attempts=1)
    with pytest.raises(InvocationFailed, match=r"not complete after 0\.3 s") as caught:
        endpoint.invoke(b"{}", "application/json", within=0.3)
    assert caught.value.is_passing


def test_no_more_requests_are_begun_while_many_hang(
    runtime: RuntimeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_whisper.transport.total_timeout._MOST_HANGING", 1)
    runtime.drips = "headers"
    endpoint = SageMakerEndpoint("whisper", runtime.url, attempts=1)
    for said in ("not complete", "was not sent"):
        with pytest.raises(InvocationFailed, match=said):
            endpoint.invoke(b"{}", "application/json", within=0.3)
    assert len(runtime.requests) == 1


def test_who_stops_it_waits_for_no_answer(runtime: RuntimeServer) -> None:
    runtime.hanging = 1
    endpoint = SageMakerEndpoint("whisper", runtime.url, attempts=1)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(endpoint.invoke, b"{}", "application/json", within=3600)
        assert runtime.asked.wait(60)
        endpoint.stop()
        error = asked.exception()
    assert isinstance(error, InvocationFailed)
    assert (str(error), error.is_passing) == (INTERRUPTED, False)
    runtime.asked.clear()
    with pytest.raises(InvocationFailed, match=INTERRUPTED):
        endpoint.invoke(b"{}", "application/json", within=3600)
    assert not runtime.asked.is_set()


@pytest.mark.parametrize("status", [301, 400, 404, 405, 501])
def test_a_server_that_is_not_sagemakers_is_said_so(runtime: RuntimeServer, status: int) -> None:
    runtime.status, runtime.body = status, b"<html>no</html>"
    with pytest.raises(EndpointUnusable, match=rf"not SageMaker Runtime \(HTTP {status}\)"):
        SageMakerEndpoint("whisper", runtime.url)(b"{}")


def test_no_address_at_all(runtime: RuntimeServer) -> None:
    with pytest.raises(EndpointUnusable, match="cannot be addressed"):
        SageMakerEndpoint("whisper", "not a url")


def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(EndpointUnusable, match="--region"):
        SageMakerEndpoint("whisper")


def test_no_credentials(runtime: RuntimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(EndpointUnusable, match="No AWS credentials"):
        SageMakerEndpoint("whisper", runtime.url)(b"{}")
    assert runtime.requests == []
