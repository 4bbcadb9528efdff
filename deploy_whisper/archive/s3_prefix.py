# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Lists and deletes objects below an S3 prefix, with all versions and unfinished uploads."""

import logging
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from whisper_sagemaker.errors import InvalidProperty

log = logging.getLogger(__name__)

NOT_USABLE = frozenset({"403", "404", "AccessDenied", "NoSuchBucket", "PermanentRedirect"})
"""S3 error codes for a bucket that does not exist or that we may not use."""


@dataclass(frozen=True)
class Prefix:
    """A stack's own prefix in a bucket.

    Attributes
    ----------
    s3 : OwnBuckets
    bucket, name : str
        The name ends in a slash.
    tags : dict of str to str
        Tags for every object.
    kms_key_arn : str, optional
        The bucket's KMS key; empty: S3's own key.
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
    """Raise InvalidProperty for a bucket in another Region, which SageMaker could not read.

    Raises
    ------
    InvalidProperty
    """
    try:
        found = region_of(s3, bucket)
    except ClientError as error:  # any other problem will show on writing
        log.info("the Region of %s is not known: %s", bucket, error)
        return
    if found != region:
        remedy = f"a bucket in {region}, where the endpoint is, or empty"
        raise InvalidProperty("S3BucketName", f"{bucket} in {found}", remedy)


def objects(s3: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """Return all objects below a prefix, as in ``ListObjectsV2``."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item for page in pages for item in page.get("Contents", [])]


def delete_prefix(s3: Any, bucket: str, prefix: str) -> int:
    """Delete every object, version, delete marker and unfinished upload below a prefix.

    Parameters
    ----------
    s3 : boto3 S3 client
    bucket : str
        A bucket that is gone or cannot be listed counts as empty.
    prefix : str
        Must not be empty and must end in a slash, so that no neighbour is touched.

    Returns
    -------
    int
        Number of deletions.
    """
    if not prefix.endswith("/") or prefix.startswith("/"):
        raise ValueError(f"refusing to delete below {prefix!r}")
    return _delete_versions(s3, bucket, prefix) + _abort_uploads(s3, bucket, prefix)


def delete_object_for_good(s3: Any, bucket: str, key: str) -> None:
    """Delete every version of one object; a bucket that cannot be listed counts as empty."""
    _delete_versions(s3, bucket, key)


def prefixes(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Return the prefixes of archives, complete or not, below the stack's own.

    A bucket that is gone or cannot be listed counts as empty.
    """
    pages = _pages(s3, "list_object_versions", bucket, prefix, Delimiter="/")
    found = {entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])}
    for upload in _uploads(s3, bucket, prefix):
        folder, slash, _ = upload["Key"].removeprefix(prefix).partition("/")
        found |= {f"{prefix}{folder}/"} if slash else set()
    return sorted(found)


def _delete_versions(s3: Any, bucket: str, prefix: str) -> int:
    deleted = 0
    # List all pages before the first deletion: no page should start at a deleted key.
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
    """Return all pages of a listing; none if the bucket cannot be used.

    The name may be wrong, or belong to somebody else by now. One such bucket must not prevent the
    others from being emptied, or the stack from being deleted.
    """
    try:
        return list(s3.get_paginator(operation).paginate(Bucket=bucket, Prefix=prefix, **more))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in NOT_USABLE:
            raise
        log.warning("objects below s3://%s/%s, if any, were not deleted: %s", bucket, prefix, code)
        return []
