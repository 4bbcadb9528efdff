# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Keeps a model archive alive in a bucket whose lifecycle rules expire objects.

Live Call Analytics' recordings bucket deletes everything after 90 days; an instance that starts
later would find no model. Copying an object onto itself, within S3, restarts its lifetime.
"""

import datetime
import email.utils
import json
import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from deploy_whisper.archive.archive import MANIFEST
from deploy_whisper.archive.lease import Lease
from deploy_whisper.archive.s3_prefix import objects
from whisper_sagemaker.errors import ArchiveExpires, InvalidProperty

log = logging.getLogger(__name__)

RENEW_BELOW = 50.0
"""Percentage of its lifetime left below which an object is copied."""

WHOLE = 100.0

_URI = re.compile(r"s3://([^/]+)/((whisper-sagemaker/[^/]+/)[0-9a-f]{32}/)")
_EXPIRY = re.compile(r'expiry-date="([^"]+)"')

Clock = Callable[[], datetime.datetime]


def life_left(answer: dict[str, Any], now: datetime.datetime) -> float:
    """Return how much of an object's lifetime is left.

    Parameters
    ----------
    answer : dict
        Response of ``HeadObject``, with ``Expiration`` if a lifecycle rule applies.

    Returns
    -------
    float
        Percent; 100 if no rule applies.
    """
    found = _EXPIRY.findall(answer.get("Expiration", ""))
    if not found:
        return WHOLE
    end = email.utils.parsedate_to_datetime(found[0])
    life = (end - answer["LastModified"]).total_seconds()
    left = (end - now).total_seconds()
    return max(0.0, min(WHOLE, WHOLE * left / life)) if life > 0 else 0.0


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Renewal:
    """The renewal of one archive.

    Parameters
    ----------
    s3 : OwnBuckets
    uri : str
        ``s3://bucket/whisper-sagemaker/<stack>/<digest>/``.
    seconds : float
        Seconds until Lambda ends this invocation.
    clock : callable, optional
        Returns the current time, with a time zone.

    Raises
    ------
    InvalidProperty
        If the URI is not that of an archive.
    """

    def __init__(self, s3: Any, uri: str, seconds: float, clock: Clock = _now) -> None:
        found = _URI.fullmatch(uri)
        if not found:
            raise InvalidProperty("RenewArchive", uri, "the URI of this stack's archive")
        self._s3 = s3
        self._bucket, self._archive, stack = found.groups()
        self._clock = clock
        self._lease = Lease(s3, self._bucket, stack, seconds, lambda: clock().timestamp())

    def run(self) -> float:
        """Renew objects with less than half of their lifetime left.

        Returns
        -------
        float
            Percent of its lifetime left for the object that expires first.

        Raises
        ------
        ArchiveExpires
            If the archive or one of its files is gone, or copying did not help.
        """
        with self._lease as is_ours:
            if is_ours:
                return self._renewed()
            return self._shortest(self._keys())  # a deployment is running: renew tomorrow

    def _renewed(self) -> float:
        keys = self._keys()
        lost = sorted(self._named(keys).difference(keys))
        if lost:
            raise ArchiveExpires(
                "Update the stack with another WhisperModelSize and back, to stage it again: "
                f"s3://{self._bucket}/{lost[0]} of the model archive is gone."
            )
        old = [key for key in keys if self._left(key) < RENEW_BELOW]
        for key in old:
            self._copy_onto_itself(key)
        left = self._shortest(keys)
        log.info("renewed %d of %d objects; %.0f%% of life left", len(old), len(keys), left)
        return left

    def _named(self, keys: list[str]) -> set[str]:
        """Return the keys listed in the manifest; if it is missing, its own key."""
        manifest = self._archive + MANIFEST
        if manifest not in keys:
            return {manifest}
        answer = self._s3.get_object(Bucket=self._bucket, Key=manifest)
        return {self._archive + file["path"] for file in json.loads(answer["Body"].read())["files"]}

    def _keys(self) -> list[str]:
        return [item["Key"] for item in objects(self._s3, self._bucket, self._archive)]

    def _shortest(self, keys: list[str]) -> float:
        return min((self._left(key) for key in keys), default=0.0)

    def _left(self, key: str) -> float:
        return life_left(self._head(key), self._clock())

    def _head(self, key: str) -> Any:
        return self._s3.head_object(Bucket=self._bucket, Key=key)

    def _copy_onto_itself(self, key: str) -> None:
        before = self._head(key)
        where = {"Bucket": self._bucket, "Key": key}
        tags = {tag["Key"]: tag["Value"] for tag in self._s3.get_object_tagging(**where)["TagSet"]}
        # S3 refuses to copy an object onto itself without a change; replacing metadata counts.
        self._s3.copy(
            where,
            self._bucket,
            key,
            ExtraArgs={
                "MetadataDirective": "REPLACE",
                "ContentType": before.get("ContentType", "binary/octet-stream"),
                "TaggingDirective": "REPLACE",
                "Tagging": urlencode(tags),
            },
        )
        after = self._head(key)
        self._drop_version(where, before, after)
        if after.get("Expiration") == before["Expiration"]:
            raise ArchiveExpires(
                "Exempt the prefix whisper-sagemaker/ from the lifecycle rules of the bucket "
                f"{self._bucket}: they expire at a date, which copying does not move."
            )

    def _drop_version(
        self, where: dict[str, str], before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        """Delete the version that the copy has replaced, in a versioned bucket."""
        old = before.get("VersionId")
        if not old or after.get("VersionId") == old:
            return
        try:
            self._s3.delete_object(**where, VersionId=old)
        except ClientError:
            log.warning("an old version of %s was not deleted", where["Key"], exc_info=True)
