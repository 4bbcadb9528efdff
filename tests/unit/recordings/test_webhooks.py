# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who has asked to be told of a job's end is told, with a signature, and for a day if need be."""

import base64
import hashlib
import hmac
import itertools
import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest

from recordings.errors import AddressRefused, InvalidFunctionSetting, InvalidJob, WebhookNotTold
from recordings.flow.finish import Announcer
from recordings.jobs import Jobs
from recordings.stack_deletion import StackDeletion
from recordings.webhooks.sender import WebhookSender
from recordings.webhooks.signature import signed
from recordings.webhooks.target import webhook
from scripts.publish.build import ROOT
from tests.chaos.recordings.world import BUCKET, SETTINGS, WEBHOOK_KEY, RecordingsWorld
from tests.fakes.object_store import refusal

URI = f"s3://{BUCKET}/uploads/a.wav"
HOOK = {"url": "https://example.com/hook?a=1", "headers": {"Authorization": "Bearer x"}}
HOURS = 3600.0


@pytest.fixture
def world():
    world = RecordingsWorld()
    world.upload("uploads/a.wav", "good 1", copies=())
    return world


def submitted(world, **more):
    answer = world.ask({"action": "submit", "s3_uri": URI, "webhook": HOOK, **more})
    return answer["job"]["id"]


def deliveries(world, job_id):
    return [one.get("status") or one["problem"] for one in world.table.get(job_id).deliveries]


def require_signature(body, headers):
    """Check it as the specification says, with nothing of what made it."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = hmac.new(base64.b64decode(WEBHOOK_KEY), content, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(wanted).decode()}"


def test_success_is_told_once_and_signed(world):
    job_id = submitted(world)
    world.quiesce()
    ((at, url, body, headers),) = world.told
    assert url == HOOK["url"]
    assert headers["Authorization"] == "Bearer x"
    assert headers["webhook-id"] == f"msg_{job_id}"
    assert headers["webhook-timestamp"] == str(int(at))
    require_signature(body, headers)
    told = json.loads(body)
    assert told["type"] == "job.succeeded"
    assert told["data"]["id"] == job_id
    assert told["data"]["outputs"] == world.table.get(job_id).outputs
    assert b"Bearer" not in body
    assert b"a=1" not in body
    assert deliveries(world, job_id) == [200]


def test_failure_and_cancellation_are_told_too(world):
    world.upload("uploads/b.wav", "hopeless 2", copies=())
    submitted(world, s3_uri=f"s3://{BUCKET}/uploads/b.wav")
    cancelled = submitted(world)
    world.pass_time(5)
    world.ask({"action": "cancel", "id": cancelled})
    world.quiesce()
    types = {json.loads(body)["type"] for _, _, body, _ in world.told}
    assert types == {"job.failed", "job.cancelled"}
    assert len(world.told) == 2


def test_a_receiver_that_fails_for_an_hour_is_told_in_the_end(world):
    job_id = submitted(world)
    began = world.now
    world.receiver = lambda: 500 if world.now < began + HOURS else 204
    world.quiesce()
    statuses = deliveries(world, job_id)
    assert statuses[-1] == 204
    assert all("answered 500" in one for one in statuses[:-1])
    assert len({headers["webhook-id"] for *_, headers in world.told}) == 1
    assert len({body for _, _, body, _ in world.told}) == 1
    for _, _, body, headers in world.told:
        require_signature(body, headers)


def test_after_a_day_it_is_given_up_and_resend_begins_anew(world):
    job_id = submitted(world)

    def hangs():
        raise WebhookNotTold("The webhook has not answered.")

    world.receiver = hangs
    world.quiesce()
    times = [at for at, *_ in world.told]
    assert len(times) == 15
    assert 20 * HOURS < times[-1] - times[0] < 24 * HOURS
    assert max(later - at for at, later in itertools.pairwise(times)) <= 3 * HOURS
    assert world.table.get(job_id).status == "SUCCEEDED"
    world.receiver = lambda: 200
    assert world.ask({"action": "resend", "id": job_id})["job"]["id"] == job_id
    world.quiesce()
    assert deliveries(world, job_id)[-1] == 200
    assert len(world.told) == 16


def test_what_keeps_us_from_telling_is_in_the_job_too(world):
    """A key that may not be read, or a failing AWS call: it is no fault of the receiver."""
    job_id = submitted(world)

    def denied():
        raise refusal("AccessDeniedException", "GetSecretValue")

    world._sender = replace(world._sender, keys=denied)
    world.quiesce()
    assert world.told == []
    assert len(deliveries(world, job_id)) == 15
    assert all("AccessDeniedException" in one for one in deliveries(world, job_id))


def test_410_ends_it(world):
    job_id = submitted(world)
    world.receiver = lambda: 410
    world.quiesce()
    assert len(world.told) == 1
    assert "answered 410" in deliveries(world, job_id)[0]


def test_an_address_that_is_not_public_is_not_tried_again(world):
    job_id = submitted(world)

    def refused():
        raise AddressRefused("Give a public address.")

    world.receiver = refused
    world.quiesce()
    assert len(deliveries(world, job_id)) == 1


def test_a_redirect_is_no_success(world):
    job_id = submitted(world)
    answers = iter([302, 200])
    world.receiver = lambda: next(answers)
    world.quiesce()
    assert "answered 302" in deliveries(world, job_id)[0]
    assert deliveries(world, job_id)[1] == 200


@pytest.mark.parametrize("call", range(16))
def test_a_webhook_hears_of_the_end_wherever_a_function_is_ended(world, call):
    """From the notification on: functions for it, for the end, and for the webhook itself."""
    job_id = submitted(world)
    world.pass_time(20.5)
    world.ended_at_call = call
    world.quiesce()
    assert world.hits["function ended"] == 1
    assert {headers["webhook-id"] for *_, headers in world.told} == {f"msg_{job_id}"}
    assert {json.loads(body)["type"] for _, _, body, _ in world.told} == {"job.succeeded"}


def test_a_function_that_is_ended_half_way_tells_again_with_the_same_id(world):
    job_id = submitted(world)
    calls = iter([True, False])

    def taken():
        world.ended_at_call = 0 if next(calls) else None  # before it is written down
        return 200

    world.receiver = taken
    world.quiesce()
    assert len(world.told) == 2
    assert {headers["webhook-id"] for *_, headers in world.told} == {f"msg_{job_id}"}
    assert deliveries(world, job_id) == [200]


def test_resend_is_for_jobs_that_have_ended_and_have_a_webhook(world):
    without = world.ask({"action": "submit", "s3_uri": URI})["job"]["id"]
    running = submitted(world)
    assert "has no webhook" in world.ask({"action": "resend", "id": without})["error"]
    assert "is still SUBMITTED" in world.ask({"action": "resend", "id": running})["error"]


def test_resend_tells_once_a_minute_at_most(world):
    job_id = submitted(world)
    world.quiesce()
    world.now += 60 - world.now % 60
    answers = [world.ask({"action": "resend", "id": job_id}) for _ in range(3)]
    assert ["job" in one for one in answers] == [True, False, False]
    assert answers[2]["error"].startswith(
        f"Wait a minute: the webhook of the job {job_id} is already"
    )
    world.pass_time(59)
    assert len(world.told) == 2
    world.pass_time(1)
    assert "job" in world.ask({"action": "resend", "id": job_id})
    world.quiesce()
    assert len(world.told) == 3


def test_headers_and_address_query_are_shown_to_nobody(world):
    job_id = submitted(world)
    for action in ("status", "list"):
        text = json.dumps(
            world.ask(
                {"action": action, "id": job_id} if action == "status" else {"action": action}
            )
        )
        assert "Bearer" not in text
        assert "a=1" not in text
        assert "https://example.com/hook" in text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"url": "http://example.com/"}, "Give webhook.url as https://host/path"),
        ({"url": "https://user@example.com/"}, "Give webhook.url"),
        ({"url": "https://example.com/a b"}, "Give webhook.url"),
        ({"url": "https://example.com:99999/"}, "Give webhook.url"),
        ({"url": "https://[::1/"}, "Give webhook.url"),
        ({"url": "https://:443/"}, "Give webhook.url"),
        ({"url": 17}, "Give webhook.url"),
        ({"url": "https://169.254.169.254/"}, "a public address"),
        ({"url": "https://[::ffff:10.0.0.1]:444/a"}, "a public address"),
        ({"url": "https://[fe80::1%25eth0]/"}, "a public address"),
        ({"url": "https://2130706433/"}, "a public address"),
        ({"url": "https://0x7f.1:8443/"}, "a public address"),
        ({"url": "https://127.0.0.1./"}, "a public address"),
        ({"url": "https://localhost/"}, "a public address"),
        ({"url": "https://LocalHost.:8443/a"}, "a public address"),
        ({"url": "https://api.localhost/"}, "a public address"),
        ({"url": "https://a/", "secret": "x"}, "Give webhook as"),
        ("https://example.com", "Give webhook as"),
        ({"url": "https://a/", "form": "mine"}, "Give webhook.form as"),
        ({"url": "https://a/", "headers": {"Host": "b"}}, "Leave out webhook.headers.Host"),
        ({"url": "https://a/", "headers": {"webhook-id": "b"}}, "Leave out webhook.headers."),
        ({"url": "https://a/", "headers": {"A\r\nB": "b"}}, "Leave out webhook.headers."),
        ({"url": "https://a/", "headers": {"A": "b\r\nC: d"}}, "printable ASCII"),
        ({"url": "https://a/", "headers": ["A"]}, "Give webhook.headers as an object"),
    ],
)
def test_a_webhook_that_cannot_be(given, sentence):
    with pytest.raises(InvalidJob, match=sentence):
        webhook(given)


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "[2606:4700::1111]", "localhost.example", "10.example"]
)
def test_a_webhook_that_may_be(host):
    url = f"https://{host}:8443/a"
    assert webhook({"url": url})["url"] == url


def test_both_keys_sign_during_a_rotation():
    """The example of the specification, and a second key beside it."""
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signed(
        b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, (key, WEBHOOK_KEY)
    )
    first, second = headers["webhook-signature"].split(" ")
    assert first == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert second.startswith("v1,")
    assert second != first
    with pytest.raises(InvalidFunctionSetting, match="base64"):
        signed(b"", "a", 1, ("no base64!",))


def test_the_receiver_on_the_page_believes_what_is_signed_and_nothing_else():
    page = (ROOT / "docs" / "jobs-api.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(import base64.*?)```", page, re.DOTALL)
    receiver: dict[str, Any] = {}
    exec(code, receiver)
    is_genuine, now, other = receiver["is_genuine"], int(time.time()), "QUJDREVGR0g="
    headers = signed(b"{}", "msg_1", now, (other, WEBHOOK_KEY))
    assert is_genuine(b"{}", headers, WEBHOOK_KEY)
    assert is_genuine(b"{}", headers, other)
    assert not is_genuine(b"{ }", headers, WEBHOOK_KEY)
    assert not is_genuine(b"{}", headers, "MTIzNDU2Nzg=")
    assert not is_genuine(b"{}", headers | {"webhook-id": "msg_2"}, WEBHOOK_KEY)
    old = signed(b"{}", "msg_1", now - 301, (WEBHOOK_KEY,))
    assert not is_genuine(b"{}", old, WEBHOOK_KEY)


def delete_stack(world, post):
    """Do what the stack's deletion does before the flows go, which would tell webhooks."""
    clients, settings = world.clients, replace(SETTINGS, webhook_machine_arn="")
    services = (clients["events"], clients["sns"], clients["stepfunctions"])
    announcer = Announcer(*services, world.table, settings)
    jobs = Jobs(clients["s3"], clients["stepfunctions"], world.table, announcer, settings)
    sender = WebhookSender(clients["s3"], world.table, lambda: (WEBHOOK_KEY,), post)
    removal = StackDeletion(clients["s3"], lambda _: jobs, sender.tell, lambda: world.now)
    properties = {"BatchMachine": "arn"}
    removal.delete({"ResourceType": "Custom::RunningJobs", "ResourceProperties": properties})


def test_whoever_deletes_the_stack_has_webhooks_told_once(world):
    ids = {submitted(world) for _ in range(3)}
    world.ask({"action": "submit", "s3_uri": URI})  # without one
    told = []

    def post(url, body, headers):
        require_signature(body, headers)
        told.append(json.loads(body))
        if len(told) == 1:
            raise WebhookNotTold("The webhook has not answered.")
        return 500 if len(told) == 2 else 200

    delete_stack(world, post)
    assert {one["data"]["id"] for one in told} == ids
    assert {one["type"] for one in told} == {"job.cancelled"}
    world.quiesce()
    assert (len(told), world.told) == (3, [])


def test_webhooks_that_hang_hold_no_deletion_up(world):
    for _ in range(9):
        submitted(world)
    began, told = world.now, []

    def post(*_):
        told.append(world.now)
        world.now += 15
        raise WebhookNotTold("The webhook has not answered.")

    delete_stack(world, post)
    assert (len(told), world.now - began) == (4, 60)
    assert {statuses[-1] for statuses in world.statuses.values()} == {"CANCELLED"}
