# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is below a prefix of S3: listed, and deleted with all versions and unfinished uploads."""

import logging
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from whisper_sagemaker.errors import InvalidProperty

log = logging.getLogger(__name__)

NOT_USABLE = frozenset({"403", "404", "AccessDenied", "NoSuchBucket", "PermanentRedirect"})
"""Codes of S3 for a bucket that is not there or not ours to use."""


@dataclass(frozen=True)
class Prefix:
    """A stack's own prefix in a bucket.

    Attributes
    ----------
    s3 : OwnBuckets
    bucket, name : str
        The name ends in a slash.
    tags : dict of str to str
        Put on every object.
    kms_key_arn : str, optional
        The bucket's own key; empty: one of S3.
    """

    s3: Any = field(repr=False)
    bucket: str
    name: str
    tags: dict[str, str]
    kms_key_arn: str = ""


def region_of(s3: Any, bucket: str) -> str:
    """Return the Region of a bucket."""
    place: str = s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"
    return {"EU": "eu-west-1"}.get(place, place)


def require_region(s3: Any, bucket: str, region: str) -> None:
    """Refuse a bucket of another Region: S3 would take the model, and SageMaker not read it.

    Raises
    ------
    InvalidProperty
    """
    try:
        found = region_of(s3, bucket)
    except ClientError as error:  # what else is wrong with it shows when it is written to
        log.info("the Region of %s is not known: %s", bucket, error)
        return
    if found != region:
        remedy = f"a bucket in {region}, where the endpoint is, or leave it empty"
        raise InvalidProperty("S3BucketName", f"{bucket} in {found}", remedy)


def objects(s3: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """Return all objects below a prefix, as ``ListObjectsV2`` describes them."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item for page in pages for item in page.get("Contents", [])]


def delete_prefix(s3: Any, bucket: str, prefix: str) -> int:
    """Delete every object, version, delete marker and unfinished upload below a prefix.

    Parameters
    ----------
    s3 : boto3 S3 client
    bucket : str
        One that is gone, or does not let us look into it, counts as empty.
    prefix : str
        Must not be empty and must end in a slash, so that no neighbour is touched.

    Returns
    -------
    int
        How many were deleted.
    """
    if not prefix.endswith("/") or prefix.startswith("/"):
        raise ValueError(f"refusing to delete below {prefix!r}")
    return _delete_versions(s3, bucket, prefix) + _abort_uploads(s3, bucket, prefix)


def delete_object_for_good(s3: Any, bucket: str, key: str) -> None:
    """Delete every version of one object; a bucket that cannot be listed counts as empty."""
    _delete_versions(s3, bucket, key)


def prefixes(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Return the archives' prefixes below the stack's own, complete or not.

    A bucket that is gone, or does not let us look into it, counts as empty.
    """
    pages = _pages(s3, "list_object_versions", bucket, prefix, Delimiter="/")
    found = {entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])}
    for upload in _uploads(s3, bucket, prefix):
        folder, slash, _ = upload["Key"].removeprefix(prefix).partition("/")
        found |= {f"{prefix}{folder}/"} if slash else set()
    return sorted(found)


def _delete_versions(s3: Any, bucket: str, prefix: str) -> int:
    deleted = 0
    # All pages before the first deletion, so that no page begins at what is gone.
    for page in _pages(s3, "list_object_versions", bucket, prefix):
        found = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]
        if found:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
            if answer.get("Errors"):
                raise ClientError({"Error": answer["Errors"][0]}, "DeleteObjects")
        deleted += len(found)
    return deleted


def _abort_uploads(s3: Any, bucket: str, prefix: str) -> int:
    uploads = _uploads(s3, bucket, prefix)
    for upload in uploads:
        s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return len(uploads)


def _uploads(s3: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    pages = _pages(s3, "list_multipart_uploads", bucket, prefix)
    return [upload for page in pages for upload in page.get("Uploads", [])]


def _pages(s3: Any, operation: str, bucket: str, prefix: str, **more: str) -> list[dict[str, Any]]:
    """Return all pages of a listing, none where the bucket cannot be used.

    It may be a wrong name's, or have become another's since: one bucket must not keep the others
    from being cleared, nor the stack from being deleted.
    """
    try:
        return list(s3.get_paginator(operation).paginate(Bucket=bucket, Prefix=prefix, **more))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in NOT_USABLE:
            raise
        log.warning("what is in s3://%s/%s, if anything, stays: %s", bucket, prefix, code)
        return []
