# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from whisper_endpoint import errors
from whisper_endpoint.audio.content import BLOCK_BYTES, FileBytes
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.sources import InlineAudio, S3Audio, s3
from whisper_endpoint.audio.sources import fetch as fetch_source
from whisper_endpoint.settings import EndpointSettings

SETTINGS = EndpointSettings(
    audio_s3_prefixes=("s3://calls/in/", "s3://other/"), max_source_bytes=9 * BLOCK_BYTES
)
WHOLE = bytes(range(256)) * (5 * BLOCK_BYTES // 256) + b"the end"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="calls")
        client.put_object(Bucket="calls", Key="in/a b#1?.wav", Body=b"x" * 2_500_000)
        client.put_object(Bucket="calls", Key="in/empty.wav", Body=b"")
        client.put_object(Bucket="calls", Key="in/whole.wav", Body=WHOLE)
        client.put_object(Bucket="calls", Key="in/long.wav", Body=bytes(9 * BLOCK_BYTES + 1))
        client.put_object(Bucket="calls", Key="private/a.wav", Body=b"secret")
        yield client


def fetch(
    source: InlineAudio | S3Audio, settings: EndpointSettings = SETTINGS, **how: Any
) -> FileBytes:
    return fetch_source(source, settings, Disk(10**9), **how)


def test_inline_audio_is_itself() -> None:
    assert fetch(InlineAudio(b"abc"))[:] == b"abc"


@pytest.mark.usefixtures("bucket")
def test_an_allowed_object_is_read_whole() -> None:
    assert fetch(S3Audio("s3://calls/in/a b#1?.wav"))[:] == b"x" * 2_500_000
    assert fetch(S3Audio("s3://calls/in/whole.wav"))[:] == WHOLE
    empty = fetch(S3Audio("s3://calls/in/empty.wav"))
    assert (len(empty), empty[:]) == (0, b"")


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    "uri",
    [
        "s3://calls/private/a.wav",
        "s3://calls/in/../private/a.wav",
        "s3://calls/in/./a.wav",
        "s3://other-2/a.wav",
        "s3://CALLS/in/a.wav",
        "s3://anybody/s3://calls/in/a.wav",
    ],
)
def test_outside_the_prefixes_nothing_is_read(uri: str) -> None:
    with pytest.raises(errors.SourceNotAllowed, match="is not allowed") as caught:
        fetch(S3Audio(uri))
    assert (caught.value.status, caught.value.field) == (403, "s3_uri")


def test_without_prefixes_nothing_is_allowed() -> None:
    with pytest.raises(errors.SourceNotAllowed):
        fetch(S3Audio("s3://calls/in/a.wav"), EndpointSettings())


@pytest.mark.usefixtures("bucket")
def test_a_missing_object() -> None:
    with pytest.raises(errors.SourceNotFetchable, match="NoSuchKey") as caught:
        fetch(S3Audio("s3://calls/in/none.wav"))
    assert caught.value.status == 424


@pytest.mark.usefixtures("bucket")
def test_more_bytes_than_allowed() -> None:
    with pytest.raises(errors.BodyTooLarge, match="9,437,184 bytes") as caught:
        fetch(S3Audio("s3://calls/in/long.wav"))
    assert caught.value.status == 413


@pytest.mark.usefixtures("bucket")
def test_longer_than_allowed() -> None:
    slow = EndpointSettings.model_construct(
        audio_s3_prefixes=("s3://calls/",), source_timeout_s=1e-9
    )
    with pytest.raises(errors.SourceNotFetchable):
        fetch(S3Audio("s3://calls/in/long.wav"), slow)


class CountedObject:
    """S3's answers, with what is done to each before it is given."""

    def __init__(self, change: Callable[[int, dict[str, Any]], None] = lambda *_: None) -> None:
        self.ranges: list[str] = []
        self._client = boto3.client("s3")
        self._change = change

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.ranges.append(asked["Range"])
        answer: dict[str, Any] = self._client.get_object(**asked)
        self._change(len(self.ranges), answer)
        return answer


def counted(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[int, dict[str, Any]], None] = lambda *_: None
) -> CountedObject:
    found = CountedObject(change)
    monkeypatch.setattr(s3, "client", lambda _: found)
    return found


@pytest.mark.usefixtures("bucket")
def test_what_is_read_in_order_is_fetched_ahead_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    content = fetch(S3Audio("s3://calls/in/whole.wav"))
    pieces = [content[at : at + 100_000] for at in range(0, len(content), 100_000)]
    assert b"".join(pieces) == WHOLE
    assert asked.ranges == ["bytes=0-1048575", "bytes=1048576-5242879", "bytes=5242880-5242886"]


@pytest.mark.usefixtures("bucket")
def test_few_blocks_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    counted(monkeypatch)
    content: Any = fetch(S3Audio("s3://calls/in/whole.wav"), SETTINGS)
    most = 0
    for at in [*range(0, len(content), BLOCK_BYTES), 0, len(content) - 10, 10, 3_000_000]:
        assert content[at : at + 10] == WHOLE[at : at + 10]
        most = max(most, sum(map(len, content._blocks.values())))
    assert most <= 12 * BLOCK_BYTES


@pytest.mark.parametrize("what", ["overwritten", "deleted"])
def test_an_object_that_changes_is_refused_and_never_mixed(bucket: Any, what: str) -> None:
    content = fetch(S3Audio("s3://calls/in/whole.wav"))
    assert content[:10] == WHOLE[:10]
    if what == "overwritten":
        bucket.put_object(Bucket="calls", Key="in/whole.wav", Body=WHOLE[::-1])
    else:
        bucket.delete_object(Bucket="calls", Key="in/whole.wav")
    for _ in range(2):  # it does not come back, whatever reads it
        with pytest.raises(errors.SourceNotFetchable, match="overwritten or deleted") as caught:
            content[BLOCK_BYTES : BLOCK_BYTES + 1]
        assert caught.value.field == "s3_uri"
        bucket.put_object(Bucket="calls", Key="in/whole.wav", Body=WHOLE)
    assert content.failure is caught.value


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda answer: answer.update(Body=io.BytesIO(b"short")),
            "ended before its announced length",
        ),
        (lambda answer: answer.pop("ContentRange"), "does not support byte ranges"),
        (lambda answer: answer.update(ContentRange="bytes 0-9/99"), "does not support byte ranges"),
    ],
)
def test_an_answer_that_is_not_the_range_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    counted(monkeypatch, lambda number, answer: change(answer) if number > 1 else None)
    content = fetch(S3Audio("s3://calls/in/whole.wav"))
    with pytest.raises(errors.SourceNotFetchable, match=sentence):
        content[2 * BLOCK_BYTES : 2 * BLOCK_BYTES + 1]


@pytest.mark.usefixtures("bucket")
def test_a_lost_connection_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise ReadTimeoutError(endpoint_url="s3")

    counted(monkeypatch, lambda number, answer: answer.update(Body=Lost()) if number > 1 else None)
    content = fetch(S3Audio("s3://calls/in/whole.wav"))
    with pytest.raises(errors.SourceNotFetchable, match="ReadTimeoutError"):
        content[2 * BLOCK_BYTES : 2 * BLOCK_BYTES + 1]


@pytest.mark.usefixtures("bucket")
def test_others_may_work_while_a_range_is_waited_for() -> None:
    entered: list[int] = []

    class Waiting:
        def __enter__(self) -> None:
            entered.append(1)

        def __exit__(self, *_: object) -> None:
            entered.append(-1)

    content = fetch(S3Audio("s3://calls/in/whole.wav"), waiting=Waiting)
    assert not entered  # the beginning is fetched by a thread that has no turn to give
    assert list(content.places(re.compile(b"the end"))) == [len(WHOLE) - 7]
    assert entered[:2] == [1, -1]
    assert sum(entered) == 0


def test_requests_share_a_session_that_makes_one_client_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sessions, making = [], []

    class Session:
        def __init__(self) -> None:
            sessions.append(self)

        def client(self, service: str, **_: Any) -> str:
            making.append(s3._MAKING.locked())
            return service

    monkeypatch.setattr(boto3.session, "Session", Session)
    s3._session.cache_clear()
    now = [1000.0]
    monkeypatch.setattr("whisper_endpoint.audio.sources.s3.time.monotonic", lambda: now[0])
    try:
        assert [s3.client(SETTINGS) for _ in range(3)] == ["s3"] * 3
        assert len(sessions) == 1
        now[0] += 60  # credentials may have changed
        assert s3.client(SETTINGS) == "s3"
    finally:
        s3._session.cache_clear()
    assert (len(sessions), making) == (2, [True] * 4)
