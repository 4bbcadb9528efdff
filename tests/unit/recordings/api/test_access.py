# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who may ask the API, and what those are told who may not."""

import json
import logging

import pytest

from recordings.api.access import ApiAccess
from recordings.api.app import Api
from recordings.api.messages import ApiRequest
from recordings.errors import InvalidFunctionSetting
from recordings.secret_keys import SecretKeys
from tests.chaos.recordings.world import RecordingsWorld
from tests.unit.recordings.http_api import KEYS, AskedApi

SIGNED = {"authorizer": {"iam": {"accessKey": "AKIA"}}}


@pytest.fixture
def api():
    return AskedApi(RecordingsWorld())


@pytest.mark.parametrize("key", KEYS)
def test_both_keys_are_let_in_during_a_rotation(api, key):
    assert api.ask("GET", "/jobs", headers={"x-admin-api-key": key}) == (200, {"jobs": []})


def test_whoever_api_gateway_has_checked_is_let_in(api):
    assert api.ask("GET", "/jobs", headers={}, context=SIGNED)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-admin-api-key": ""},
        {"x-admin-api-key": KEYS[0][:-1]},
        {"x-admin-api-key": f"{KEYS[0]} "},
        {"x-admin-api-key": "ключ"},
        {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/execute-api/a"},
    ],
)
@pytest.mark.parametrize("path", ["/jobs", "/transcribe", "/ifw/tasks", "/", "/jobs/openapi.json"])
@pytest.mark.parametrize("context", [{}, {"authorizer": {}}, {"authorizer": {"iam": {}}}])
def test_nobody_else_is(api, headers, path, context):
    status, document = api.ask("GET", path, headers=headers, context=context)
    assert status == 401
    assert KEYS[0][:-1] not in json.dumps(document)


def test_each_dialect_says_it_in_its_own_words(api):
    assert api.ask("GET", "/ifw/tasks", headers={})[1] == {"detail": "Unauthorized"}
    assert api.ask("GET", "/jobs", headers={})[1]["code"] == "NotAdmitted"
    told = api.ask("POST", "/transcribe", headers={})[1]
    assert told["__type"] == "AccessDeniedException"


class Secrets:
    """Secrets Manager with one secret."""

    def __init__(self, text):
        self.text = text
        self.reads = 0

    def get_secret_value(self, SecretId):  # noqa: N803
        self.reads += 1
        return {"SecretString": self.text}


def test_keys_are_read_again_after_five_minutes():
    now = [0.0]
    secrets = Secrets(json.dumps({"current": "a" * 20, "previous": ""}))
    keys = SecretKeys(secrets, "arn", lambda: now[0])
    assert keys() == keys() == ("a" * 20,)
    assert secrets.reads == 1
    secrets.text = json.dumps({"current": "b" * 20, "previous": "a" * 20})
    now[0] = 301.0
    assert keys() == ("b" * 20, "a" * 20)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '"a"', '{"current": ""}', '{"current": "short"}', '{"previous": null}'],
)
def test_without_a_key_nobody_is_let_in(text, caplog):
    keys = SecretKeys(Secrets(text), "arn")
    with pytest.raises(InvalidFunctionSetting, match="Set the secret arn"):
        keys()
    api = AskedApi(RecordingsWorld())
    api.api = Api(ApiAccess(keys), api.api.dialects)
    for given in ("", "short"):
        status, _ = api.ask("GET", "/jobs", headers={"x-admin-api-key": given})
        assert status == 500


def test_no_key_is_ever_written_down(api, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(
        type(api.api.dialects["jobs"]), "answer", lambda *_: pytest.fail("as planned")
    )
    with pytest.raises(pytest.fail.Exception):
        api.ask("GET", "/jobs")
    monkeypatch.setattr(type(api.api.dialects["jobs"]), "answer", lambda self, request: 1 / 0)
    assert api.ask("GET", "/jobs")[0] == 500
    assert "ZeroDivisionError" in caplog.text
    assert KEYS[0] not in caplog.text


def test_a_body_may_come_in_base64():
    event = {
        "rawPath": "/jobs/",
        "requestContext": {"http": {"method": "POST"}},
        "body": "eyJhIjogMX0=",
        "isBase64Encoded": True,
    }
    assert ApiRequest.from_event(event).document() == {"a": 1}
