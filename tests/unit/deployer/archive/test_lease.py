# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest
from botocore.exceptions import ClientError

from deploy_whisper.archive.lease import Lease
from tests.fakes.object_store import Bucket, Client, ObjectStore, refusal

PREFIX = "whisper-sagemaker/stack-1/"


class Clock:
    now = 1_700_000_000.0

    def __call__(self):
        return self.now


class RefusingClient(Client):
    """An S3 client of an object store that refuses some operations."""

    def __init__(self, store):
        super().__init__(self._carry_out)
        self.store = store
        self.refuses = {}

    def _carry_out(self, operation, request):
        if operation in self.refuses:
            raise refusal(self.refuses[operation], operation)
        return self.store.call(operation, request)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=[True, False], ids=["versioned", "plain"])
def s3(request, clock):
    store = ObjectStore(clock)
    store.buckets["b"] = Bucket(is_versioned=request.param)
    return RefusingClient(store)


def lease(s3, clock, seconds=900):
    return Lease(s3, "b", PREFIX, seconds, clock)


def test_one_at_a_time(s3, clock):
    first, second = lease(s3, clock), lease(s3, clock)
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()
    assert s3.store.buckets["b"].keys == {}


def test_the_lease_of_an_invocation_that_was_ended_is_taken_over_when_it_would_have_ended(
    s3, clock
):
    assert lease(s3, clock, seconds=900).acquire()
    clock.now += 899
    assert not lease(s3, clock).acquire()
    clock.now += 2
    heir = lease(s3, clock)
    assert heir.acquire()
    assert not lease(s3, clock).acquire()
    heir.release()
    # Not even the version of the one that was ended.
    assert s3.store.buckets["b"].keys == {}


def test_what_those_have_left_who_were_ended_while_they_took_over_goes_too(s3, clock):
    for _ in range(3):
        assert lease(s3, clock, seconds=1).acquire()
        clock.now += 2
    s3.store.buckets["b"].expires_after_days = 1
    clock.now += 3 * 86400  # the newest expires: a marker where there are versions
    heir = lease(s3, clock)
    assert heir.acquire()
    heir.release()
    assert s3.store.buckets["b"].keys == {}


def test_of_two_that_take_over_at_once_one_gets_it(s3, clock):
    lease(s3, clock, seconds=1).acquire()
    clock.now += 2
    heir, read = lease(s3, clock), s3.store.call
    other: list[Lease] = []

    def overtaken(operation, request):
        answer = read(operation, request)
        if operation == "get_object" and not other:
            other.append(lease(s3, clock))
            assert other[0].acquire()
        return answer

    s3.store.call = overtaken
    assert not heir.acquire()
    heir.release()
    assert not lease(s3, clock).acquire()


def test_one_that_was_not_acquired_gives_nothing_back(s3, clock):
    assert lease(s3, clock).acquire()
    lease(s3, clock).release()
    assert not lease(s3, clock).acquire()


@pytest.mark.parametrize("code", ["NoSuchBucket", "AccessDenied", "403", "KMS.DisabledException"])
def test_where_nothing_can_be_written_nothing_is_waited_for(s3, clock, code):
    s3.refuses["put_object"] = code
    held = lease(s3, clock)
    assert held.acquire()
    held.release()


def test_what_passes_by_itself_is_passed_on(s3, clock):
    s3.refuses["put_object"] = "SlowDown"
    with pytest.raises(ClientError):
        lease(s3, clock).acquire()
