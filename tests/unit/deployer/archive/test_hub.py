# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import hashlib
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import urllib3

from deploy_whisper.archive.hub import Hub
from deploy_whisper.archive.source_file import SourceFile
from tests.unit.deployer.conftest import REPOSITORY, REVISION
from whisper_sagemaker.errors import WeightsCorrupt, WeightsNotFound, WeightsRefused

TOKEN = "hf_secret"
LARGE = bytes(range(251)) * 16_000
SMALL = b'{"small": true}'


class Client:
    """A hub's client whose waits are only written down."""

    def __init__(self, url, token=""):
        self.waits: list[float] = []
        self.hub = Hub(url, REPOSITORY, REVISION, token, sleep=self.waits.append)


@pytest.fixture
def stand_in(serve):
    return serve({"model.bin": LARGE, "config.json": SMALL})


def named(hub, name):
    return next(file for file in hub.files() if file.path == name)


def test_the_tree_announces_sizes_and_digests(stand_in):
    stand_in.announced["folder"] = {"type": "directory", "path": "folder", "size": 0, "oid": "x"}
    assert Client(stand_in.url).hub.files() == [
        SourceFile("model.bin", len(LARGE), f"sha256:{hashlib.sha256(LARGE).hexdigest()}"),
        # printf '{"small": true}' | git hash-object --stdin
        SourceFile("config.json", 15, "git:011069b11b10339df954cef6ef0dc53ec6517f11"),
    ]


def test_the_hash_of_what_arrives_is_the_announced_one(stand_in):
    hub = Client(stand_in.url).hub
    for file in hub.files():
        digest = file.hasher()
        for chunk in hub.read(file):
            digest.update(chunk)
        assert file.digest.partition(":")[2] == digest.hexdigest()


def test_the_token_is_for_the_hub_and_never_leaves_it(stand_in):
    stand_in.script.token = TOKEN
    hub = Client(stand_in.url, TOKEN).hub
    assert b"".join(hub.read(named(hub, "config.json"))) == SMALL
    sent = {host: headers for host, _, headers in stand_in.script.requests}
    assert sent["hub"]["Authorization"] == f"Bearer {TOKEN}"
    assert "Authorization" not in sent["storage"]
    assert TOKEN not in json.dumps(sent["storage"])


def test_without_a_token_none_is_sent(stand_in):
    Client(stand_in.url).hub.files()
    assert "Authorization" not in stand_in.script.requests[0][2]


def test_reading_goes_on_where_the_connection_broke(stand_in):
    hub = Client(stand_in.url).hub
    file = named(hub, "model.bin")
    stand_in.script.truncate = [1_200_000, 1_100_000, 10_000_000]
    assert b"".join(hub.read(file)) == LARGE
    ranges = [r[2].get("Range") for r in stand_in.script.requests if r[0] == "storage"]
    # What came after the last whole MiB was not handed on, so it is asked for again.
    assert ranges == [None, f"bytes={1 << 20}-", f"bytes={2 << 20}-"]


def test_reading_from_the_middle(stand_in):
    hub = Client(stand_in.url).hub
    file = named(hub, "model.bin")
    assert b"".join(hub.read(file, 3_000_000)) == LARGE[3_000_000:]
    assert stand_in.script.requests[-1][2]["Range"] == "bytes=3000000-"
    asked = len(stand_in.script.requests)
    assert b"".join(hub.read(file, file.size)) == b""
    assert len(stand_in.script.requests) == asked


def test_the_whole_file_is_not_taken_for_the_rest_of_it(stand_in):
    stand_in.script.ignores_ranges = True
    hub = Client(stand_in.url).hub
    file = named(hub, "model.bin")
    with pytest.raises(WeightsRefused, match="not with the one asked for"):
        list(hub.read(file, 3_000_000))
    assert b"".join(hub.read(file)) == LARGE


def test_what_breaks_without_end_ends(stand_in):
    hub = Client(stand_in.url).hub
    file = named(hub, "model.bin")
    stand_in.script.truncate = [1_500_000] + [500] * 100
    with pytest.raises(WeightsCorrupt) as refusal:
        list(hub.read(file))
    assert str(refusal.value) == "Try again later: model.bin stops at byte 1048576."
    assert 90 <= len(stand_in.script.truncate) < 100


def test_breaks_with_progress_between_them_are_forgiven(stand_in):
    hub = Client(stand_in.url).hub
    file = named(hub, "model.bin")
    stand_in.script.truncate = [0] * 7 + [1_100_000] + [0] * 7 + [10_000_000]
    assert b"".join(hub.read(file)) == LARGE


def test_more_than_was_announced_is_refused_at_once(stand_in):
    client = Client(stand_in.url)
    file = named(client.hub, "model.bin")
    stand_in.files["model.bin"] += bytes(5_000_000)
    received = 0
    with pytest.raises(WeightsCorrupt) as refusal:
        for chunk in client.hub.read(file):
            received += len(chunk)
    assert str(refusal.value) == (
        "Try again or give ModelS3Uri: model.bin of the hub is longer than the "
        f"{len(LARGE)} bytes announced."
    )
    assert received <= file.size


def test_a_busy_hub_says_how_long_to_wait(stand_in):
    client = Client(stand_in.url)
    stand_in.script.busy = ["7", "86400", "Fri, 20 Nov 2026 12:00:00 GMT", ""]
    assert len(client.hub.files()) == 2
    # A date is not read and a day is not waited for.
    assert client.waits == [7.0, 60, 4, 8]


def test_a_broken_hub_is_asked_again_and_again_but_not_for_ever(stand_in):
    client = Client(stand_in.url)
    stand_in.script.broken = [500, 502, 503]
    assert len(client.hub.files()) == 2
    assert client.waits == [1, 2, 4]

    client = Client(stand_in.url)
    stand_in.script.broken = [503] * 20
    with pytest.raises(WeightsRefused) as refusal:
        client.hub.files()
    assert str(refusal.value) == (
        "Check HubUrl, if given, try again later, or give ModelS3Uri: "
        f"{stand_in.url} gives status 503."
    )
    assert client.waits == [1, 2, 4, 8, 16, 32, 64]


def test_a_tree_whose_answer_breaks_off_is_asked_for_again_but_not_for_ever(stand_in):
    client = Client(stand_in.url)
    stand_in.script.cut = [0, 100]
    assert len(client.hub.files()) == 2
    assert client.waits == [1, 2]

    client = Client(stand_in.url)
    stand_in.script.cut = [100] * 20
    with pytest.raises(WeightsRefused) as refusal:
        client.hub.files()
    assert f"{stand_in.url} gives no connection (" in str(refusal.value)
    assert client.waits == [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize(
    "entries", [[1], ["a"], [{}], [{"type": "file"}], [{"type": "file", "path": "a", "size": "x"}]]
)
def test_a_mirror_that_is_no_hub_is_named(stand_in, entries):
    stand_in.announced = dict(enumerate(entries))
    with pytest.raises(WeightsRefused) as refusal:
        Client(stand_in.url).hub.files()
    assert str(refusal.value) == (
        f"Check HubUrl or give ModelS3Uri: {stand_in.url} does not answer as a model hub does."
    )


def test_a_page_in_place_of_a_hub_is_named(stand_in, monkeypatch):
    page = SimpleNamespace(data=b"<!DOCTYPE html><title>Sign in</title>")
    monkeypatch.setattr(Hub, "_request", lambda *_, **__: page)
    with pytest.raises(WeightsRefused, match="Check HubUrl or give ModelS3Uri"):
        Client(stand_in.url).hub.files()


def test_no_hub_at_all():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        client = Client(url)
        with pytest.raises(WeightsRefused) as refusal:
            client.hub.files()
    assert str(refusal.value) == (
        "Check HubUrl, if given, try again later, or give ModelS3Uri: "
        f"{url} gives no connection (NewConnectionError)."
    )
    assert client.waits == [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize(
    ("start", "kind"), [(0, "text/html; charset=utf-8"), (5, "application/octet-stream")]
)
def test_a_page_in_place_of_a_file_is_said_to_be_one(start, kind, monkeypatch):
    client = Client("https://mirror.example.com")
    page = urllib3.HTTPResponse(body=b"<html>", status=200, headers={"Content-Type": kind})
    monkeypatch.setattr(client.hub._pool, "request", lambda *_, **__: page)
    with pytest.raises(WeightsRefused, match=r"mirror\.example\.com answers with a web page"):
        next(client.hub.read(SourceFile("model.bin", 10, "git:0"), start))
    assert client.waits == []


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (401, WeightsRefused, "Give a token with HubTokenSecretArn, or ModelS3Uri: {} gives 401."),
        (403, WeightsRefused, "Give a token with HubTokenSecretArn, or ModelS3Uri: {} gives 403."),
        (400, WeightsRefused, "Give ModelS3Uri instead: {} gives 400."),
        (204, WeightsRefused, "Give ModelS3Uri instead: {} gives 204."),
    ],
)
def test_what_will_not_pass_is_refused_at_once(stand_in, status, kind, sentence):
    client = Client(stand_in.url, TOKEN)
    stand_in.script.broken = [status]
    with pytest.raises(kind) as refusal:
        client.hub.files()
    assert str(refusal.value) == sentence.format(REPOSITORY)
    assert client.waits == []


def test_a_revision_that_is_gone(stand_in):
    client = Client(stand_in.url, TOKEN)
    stand_in.script.broken = [404]
    with pytest.raises(WeightsNotFound) as refusal:
        client.hub.files()
    assert re.fullmatch(
        r"Check HubUrl, if given, or give ModelS3Uri: .*/somebody/a-model/tree/\w+ is not there\.",
        str(refusal.value),
    )
    assert TOKEN not in str(refusal.value)


def test_an_answer_that_is_not_read_does_not_spoil_the_next():
    """The refusal's body is longer than what anyone reads of it, on a connection that stays."""

    bodies = [b"[]", b"slow down " * 100_000]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = bodies.pop()
            self.send_response(429 if len(body) > 2 else 200)
            self.send_header("Retry-After", "3")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    client = Client(f"http://127.0.0.1:{server.server_port}")
    assert client.hub.files() == []
    assert client.waits == [3.0]
    server.shutdown()
    server.server_close()
