# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import base64
import zlib

from hypothesis import given
from hypothesis import strategies as st

from whisper_sagemaker.scaling_backup import Remembered, Scaling, merged

A, B, C = "ml.g5.xlarge", "ml.g6.xlarge", "ml.g4dn.xlarge"


def policy(kind):
    return {"PolicyName": f"whisper-gpu-utilization-{kind}", "PolicyType": "TargetTrackingScaling"}


def remembered(kind, *policies, is_away=False):
    limits = {"MinCapacity": 1, "MaxCapacity": 3}
    return Remembered(kind, is_away, limits, [policy(p) for p in policies])


class Client:
    """Writes down what is asked of Application Auto Scaling."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, operation):
        return lambda **request: self.calls.append((operation, request))


texts = st.text(max_size=2000)


@given(texts, st.booleans(), st.lists(st.dictionaries(st.text(max_size=20), texts, max_size=3)))
def test_what_is_remembered_fits_into_tags_and_comes_back(kind, is_away, policies):
    before = Remembered(kind, is_away, {"MinCapacity": 1, "MaxCapacity": 3}, policies)
    tags = before.to_tags()
    assert all(len(value) <= 256 and len(key) <= 128 for key, value in tags.items())
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=")
    assert all(set(value) <= allowed for value in tags.values())
    assert Remembered.from_tags(tags) == before
    # A longer one that was written before leaves tags beyond its end.
    longer = {f"whisper-sagemaker:scaling-{number}": "older" for number in range(400)}
    assert Remembered.from_tags(longer | tags) == before


def test_nothing_is_remembered_without_tags():
    assert Remembered.from_tags({"whisper-sagemaker:stack": "s"}) is None


def test_what_an_earlier_version_has_remembered_is_read():
    # As versions have written it that knew of no times and nothing suspended.
    text = (
        '{"instance_type": "ml.g5.xlarge", "is_away": true, '
        '"limits": {"MinCapacity": 1, "MaxCapacity": 3}, "policies": [], '
        '"actions": [{"ScheduledActionName": "mornings", "Schedule": "rate(1 day)"}]}'
    )
    tags = {
        "whisper-sagemaker:scaling-parts": "1",
        "whisper-sagemaker:scaling-0": base64.b64encode(zlib.compress(text.encode())).decode(),
    }
    read = Remembered.from_tags(tags)
    assert read
    assert read.limits == {"MinCapacity": 1, "MaxCapacity": 3}
    client = Client()
    Scaling(client, "calls", "AllTraffic").bring_back(read, A, rolling_back=False)
    assert [name for name, _ in client.calls] == [
        "register_scalable_target",
        "put_scheduled_action",
    ]
    assert "SuspendedState" not in client.calls[0][1]
    assert not {"StartTime", "EndTime"} & set(client.calls[1][1])


def test_the_policies_of_the_type_before_are_kept_for_a_roll_back():
    now, before = remembered(B, B), remembered(A, A)
    assert merged(now, before).policies == [policy(B), policy(A)]
    assert merged(now, None) == now
    # Of older ones nothing is kept: tags are few.
    assert merged(remembered(C, C), merged(now, before)).policies == [policy(C), policy(B)]


def test_what_was_brought_back_only_in_part_is_not_forgotten():
    half = remembered(B)
    away = remembered(A, A, B, is_away=True)
    assert merged(half, away).policies == [policy(A), policy(B)]
    assert merged(half, away).instance_type == A
