# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Checks the operator's own bucket for recordings: its uploads must reach EventBridge."""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from deploy_whisper.archive.s3_prefix import NOT_USABLE, region_of
from whisper_sagemaker.errors import InvalidProperty

PARAMETER = "RecordingsBucketName"

_REFUSED = frozenset({"403", "AccessDenied"})
# The role has only just got the permission: IAM takes some seconds to propagate it.
_TRIES = 4
_PAUSE_SECONDS = 5.0


def require_events(
    s3: Any, bucket: str, region: str, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Refuse a bucket that does not exist, is in another Region, or does not notify EventBridge.

    Its notifications are not changed, because a request that sets one replaces all.

    Parameters
    ----------
    s3 : OwnBuckets
    bucket : str
        Empty: the stack creates its own.
    region : str
        The stack's Region.

    Raises
    ------
    InvalidProperty
    """
    if not bucket:
        return
    for tries_left in reversed(range(_TRIES)):
        try:
            place = region_of(s3, bucket)
            told = s3.get_bucket_notification_configuration(Bucket=bucket)
            break
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in NOT_USABLE:
                raise
            if code not in _REFUSED or not tries_left:
                remedy = (
                    f"a bucket of this account in {region}, whose policy lets this stack see it "
                    f"(S3 says {code}), or empty"
                )
                raise InvalidProperty(PARAMETER, bucket, remedy) from None
        sleep(_PAUSE_SECONDS)
    if place != region:
        remedy = f"a bucket in {region}, where the stack is, or empty"
        raise InvalidProperty(PARAMETER, f"{bucket} in {place}", remedy)
    if "EventBridgeConfiguration" not in told:
        remedy = (
            "a bucket that sends notifications to EventBridge (turn it on: S3, the bucket, "
            "Properties, Amazon EventBridge), or empty"
        )
        raise InvalidProperty(PARAMETER, bucket, remedy)
