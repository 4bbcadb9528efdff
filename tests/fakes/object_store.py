# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""In-memory S3 with versions, lifecycle rules, conditional writes and the caller's clock.

moto's S3 never expires objects and works over HTTP; this one tests archives over months, and in
ten thousand stack lives. It only has the calls that the deployer makes.
"""

import datetime
import email.utils
import hashlib
import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, quote

from botocore.exceptions import ClientError

from local_cloud import ACCOUNT_ID
from tests.fakes.content import BlockReader, Content

Answer = dict[str, Any]

_TOKENS = ("NextToken", "PaginationToken")


@dataclass
class Version:
    """One version of an object, or a part of one; a delete marker has no data."""

    version_id: str
    data: Content | None
    modified: float
    tags: dict[str, str] = field(default_factory=dict)
    content_type: str = "binary/octet-stream"

    @cached_property
    def etag(self) -> str:
        """The MD5 of the data, in quotes."""
        digest = hashlib.md5(usedforsecurity=False)
        for block in self.data or ():
            digest.update(block)
        return f'"{digest.hexdigest()}"'


@dataclass
class Bucket:
    """A bucket; the newest version of a key is the last."""

    is_versioned: bool = False
    owner: str = ACCOUNT_ID
    expires_after_days: int = 0
    keys: dict[str, list[Version]] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)


def refusal(code: str, operation: str, status: int = 400) -> ClientError:
    """Return the error that boto3 raises for a refusal."""
    error = {"Code": code, "Message": code}
    response: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class ObjectStore:
    """The S3 of one account.

    Parameters
    ----------
    clock : callable
        Returns seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._parts: dict[str, tuple[dict[str, Any], dict[int, Version]]] = {}
        self._blocks: dict[bytes, bytes] = {}
        self.buckets: dict[str, Bucket] = {}

    def call(self, operation: str, request: dict[str, Any]) -> Answer:
        """Execute an operation by boto3's name; raises ClientError.

        Strangers' buckets accept every request that names no other owner.
        """
        self._expire()
        wanted = {key: value for key, value in request.items() if key != "ExpectedBucketOwner"}
        bucket = self.buckets.get(request.get("Bucket", ""))
        if bucket and request.get("ExpectedBucketOwner", bucket.owner) != bucket.owner:
            raise refusal("403" if operation == "head_object" else "AccessDenied", operation, 403)
        method: Callable[..., Answer] = getattr(self, f"_{operation}")
        return method(**wanted)

    def _expire(self) -> None:
        for bucket in self.buckets.values():
            for key in list(bucket.keys) if bucket.expires_after_days else ():
                newest = bucket.keys[key][-1]
                age = self._clock() - newest.modified
                if newest.data is not None and age >= bucket.expires_after_days * 86400:
                    self._remove(bucket, key)

    def _bucket(self, name: str, operation: str) -> Bucket:
        if name not in self.buckets:
            raise refusal("NoSuchBucket", operation, 404)
        return self.buckets[name]

    def _newest(self, bucket: str, key: str, operation: str) -> Version:
        versions = self._bucket(bucket, operation).keys.get(key)
        if not versions or versions[-1].data is None:
            raise refusal("NoSuchKey", operation, 404)
        return versions[-1]

    def _put_object(self, Bucket: str, Key: str, Body: Any, **more: str) -> Answer:  # noqa: N803
        bucket = self._bucket(Bucket, "PutObject")
        versions = bucket.keys.get(Key, [])
        current = versions[-1] if versions and versions[-1].data is not None else None
        wanted = more.get("IfMatch")
        is_other = wanted and (not current or current.etag != wanted)
        if is_other or ("IfNoneMatch" in more and current):
            raise refusal("PreconditionFailed", "PutObject", 412)
        data = Content.cut(Body, self._blocks)
        number = f"v{next(self._numbers)}" if bucket.is_versioned else "null"
        tags = dict(parse_qsl(more.get("Tagging", "")))
        kind = more.get("ContentType", Version.content_type)
        version = Version(number, data, self._clock(), tags, kind)
        bucket.keys[Key] = [*(versions if bucket.is_versioned else []), version]
        return {"ETag": version.etag, **self._version_of(bucket, version)}

    def _get_object(
        self,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Range: str = "",  # noqa: N803
        IfMatch: str = "",  # noqa: N803
    ) -> Answer:
        version = self._newest(Bucket, Key, "GetObject")
        if IfMatch not in ("", version.etag):
            raise refusal("PreconditionFailed", "GetObject", 412)
        if Range:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            if first >= len(version.data or ()):
                raise refusal("InvalidRange", "GetObject", 416)
            part = io.BytesIO((version.data or Content(()))[first : last + 1])
            return {"Body": part, **self._head(Bucket, version)}
        return {"Body": BlockReader(version.data or Content(())), **self._head(Bucket, version)}

    def _head_object(self, Bucket: str, Key: str) -> Answer:  # noqa: N803
        try:
            return self._head(Bucket, self._newest(Bucket, Key, "HeadObject"))
        except ClientError as error:
            # HEAD responses have no body with the code.
            raise refusal("404", "HeadObject", 404) from error

    def _head(self, name: str, version: Version) -> Answer:
        bucket = self.buckets[name]
        answer = {
            "ETag": version.etag,
            "ContentLength": len(version.data or ()),
            "ContentType": version.content_type,
            "LastModified": datetime.datetime.fromtimestamp(version.modified, datetime.UTC),
            **self._version_of(bucket, version),
        }
        if bucket.expires_after_days:
            end = version.modified + bucket.expires_after_days * 86400
            date = email.utils.formatdate(end, usegmt=True)
            answer["Expiration"] = f'expiry-date="{date}", rule-id="expire"'
        return answer

    def _get_object_tagging(self, Bucket: str, Key: str) -> Answer:  # noqa: N803
        tags = self._newest(Bucket, Key, "GetObjectTagging").tags
        return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _put_object_tagging(self, Bucket: str, Key: str, Tagging: dict[str, Any]) -> Answer:  # noqa: N803
        version = self._newest(Bucket, Key, "PutObjectTagging")
        version.tags = {tag["Key"]: tag["Value"] for tag in Tagging["TagSet"]}
        return {}

    def _copy_object(
        self,
        CopySource: dict[str, str],  # noqa: N803
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        **extra: str,
    ) -> Answer:
        old = self._newest(CopySource["Bucket"], CopySource["Key"], "CopyObject")
        if extra.get("CopySourceIfMatch", old.etag) != old.etag:
            raise refusal("PreconditionFailed", "CopyObject", 412)
        return self._put_object(
            Bucket=Bucket,
            Key=Key,
            Body=old.data or b"",
            Tagging=extra.get("Tagging", ""),
            ContentType=extra.get("ContentType", old.content_type),
        )

    def _delete_object(self, Bucket: str, Key: str, VersionId: str = "") -> Answer:  # noqa: N803
        bucket = self._bucket(Bucket, "DeleteObject")
        if not VersionId:
            self._remove(bucket, Key)
        elif Key in bucket.keys:
            kept = [item for item in bucket.keys[Key] if item.version_id != VersionId]
            bucket.keys[Key] = kept
            if not kept:
                del bucket.keys[Key]
        return {}

    def _remove(self, bucket: Bucket, key: str) -> None:
        if not bucket.is_versioned:
            bucket.keys.pop(key, None)
        elif key in bucket.keys:
            bucket.keys[key].append(Version(f"v{next(self._numbers)}", None, self._clock()))

    def _delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> Answer:  # noqa: N803
        for item in Delete["Objects"]:
            self._delete_object(Bucket, item["Key"], item["VersionId"])
        return {}

    def _get_bucket_location(self, Bucket: str) -> Answer:  # noqa: N803
        self._bucket(Bucket, "GetBucketLocation")
        return {"LocationConstraint": None}

    def _list_objects_v2(self, Bucket: str, Prefix: str = "") -> Answer:  # noqa: N803
        bucket = self._bucket(Bucket, "ListObjectsV2")
        newest = {key: versions[-1] for key, versions in bucket.keys.items()}
        return {
            "Contents": [
                {"Key": key, "Size": len(version.data), "ETag": version.etag}
                for key, version in sorted(newest.items())
                if key.startswith(Prefix) and version.data is not None
            ]
        }

    def _list_object_versions(
        self,
        Bucket: str,  # noqa: N803
        Prefix: str = "",  # noqa: N803
        Delimiter: str = "",  # noqa: N803
    ) -> Answer:
        bucket = self._bucket(Bucket, "ListObjectVersions")
        answer: Answer = {"Versions": [], "DeleteMarkers": []}
        common = set()
        for key, versions in sorted(bucket.keys.items()):
            if not key.startswith(Prefix):
                continue
            folder, slash, _ = key.removeprefix(Prefix).partition("/")
            if Delimiter and slash:
                common.add(f"{Prefix}{folder}/")
                continue
            for version in reversed(versions):
                kind = "DeleteMarkers" if version.data is None else "Versions"
                answer[kind].append({"Key": key, "VersionId": version.version_id})
        answer["CommonPrefixes"] = [{"Prefix": item} for item in sorted(common)]
        return answer

    def _create_multipart_upload(self, Bucket: str, Key: str, **more: Any) -> Answer:  # noqa: N803
        upload_id = f"u{next(self._numbers)}"
        self._bucket(Bucket, "CreateMultipartUpload").uploads[upload_id] = Key
        self._parts[upload_id] = more, {}
        return {"UploadId": upload_id}

    def _upload_part(
        self,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        UploadId: str,  # noqa: N803
        PartNumber: int,  # noqa: N803
        Body: Any,  # noqa: N803
    ) -> Answer:
        _, parts = self._upload(Bucket, Key, UploadId, "UploadPart")
        part = Version("null", Content.cut(Body, self._blocks), self._clock())
        parts[PartNumber] = part
        return {"ETag": part.etag}

    def _list_parts(self, Bucket: str, Key: str, UploadId: str) -> Answer:  # noqa: N803
        _, parts = self._upload(Bucket, Key, UploadId, "ListParts")
        return {
            "Parts": [
                {"PartNumber": number, "Size": len(part.data or ()), "ETag": part.etag}
                for number, part in sorted(parts.items())
            ]
        }

    def _complete_multipart_upload(
        self,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        UploadId: str,  # noqa: N803
        MultipartUpload: dict[str, Any],  # noqa: N803
    ) -> Answer:
        more, parts = self._upload(Bucket, Key, UploadId, "CompleteMultipartUpload")
        named = [(int(item["PartNumber"]), item["ETag"]) for item in MultipartUpload["Parts"]]
        if any(number not in parts or parts[number].etag != etag for number, etag in named):
            raise refusal("InvalidPart", "CompleteMultipartUpload")
        body = Content(block for number, _ in named for block in parts[number].data or ())
        self._abort_multipart_upload(Bucket, Key, UploadId)
        return self._put_object(Bucket, Key, body, **more)

    def _upload(
        self, bucket: str, key: str, upload_id: str, operation: str
    ) -> tuple[dict[str, Any], dict[int, Version]]:
        if self._bucket(bucket, operation).uploads.get(upload_id) != key:
            raise refusal("NoSuchUpload", operation, 404)
        return self._parts[upload_id]

    def _list_multipart_uploads(self, Bucket: str, Prefix: str = "") -> Answer:  # noqa: N803
        uploads = self._bucket(Bucket, "ListMultipartUploads").uploads
        found = [
            {"Key": key, "UploadId": upload_id}
            for upload_id, key in uploads.items()
            if key.startswith(Prefix)
        ]
        return {"Uploads": found}

    def _abort_multipart_upload(self, Bucket: str, Key: str, UploadId: str) -> Answer:  # noqa: N803
        self._upload(Bucket, Key, UploadId, "AbortMultipartUpload")
        del self._bucket(Bucket, "AbortMultipartUpload").uploads[UploadId], self._parts[UploadId]
        return {}

    def _version_of(self, bucket: Bucket, version: Version) -> dict[str, str]:
        return {"VersionId": version.version_id} if bucket.is_versioned else {}


class Client:
    """A boto3-like client of a service.

    Parameters
    ----------
    call : callable
        Executes an operation by boto3's name.
    """

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self, call: Callable[[str, dict[str, Any]], Any]) -> None:
        self._call = call

    def copy(
        self,
        source: dict[str, str],
        bucket: str,
        key: str,
        ExtraArgs: dict[str, str],  # noqa: N803
        SourceClient: Any = None,  # noqa: N803
    ) -> None:
        """Copy an object like S3's transfer manager, which first requests its size."""
        owner = {name: ExtraArgs[name] for name in ("ExpectedBucketOwner",) if name in ExtraArgs}
        (SourceClient or self).head_object(**source, **owner)
        request = {"CopySource": source, "Bucket": bucket, "Key": key, **ExtraArgs}
        self._call("copy_object", request)

    def generate_presigned_url(
        self,
        operation: str,
        Params: dict[str, str],  # noqa: N803
        ExpiresIn: int,  # noqa: N803
    ) -> str:
        """Return a URL like a presigned one; nothing serves it."""
        place = f"https://{Params['Bucket']}.s3.test/{quote(Params['Key'])}"
        return f"{place}?operation={operation}&X-Amz-Expires={ExpiresIn}"

    def get_paginator(self, operation: str) -> Any:
        """Return a paginator."""
        return SimpleNamespace(paginate=partial(self._pages, operation))

    def _pages(
        self,
        operation: str,
        PaginationConfig: dict[str, int] | None = None,  # noqa: N803
        **request: Any,
    ) -> Iterator[Any]:
        if PaginationConfig:
            request["MaxResults"] = PaginationConfig["PageSize"]
        while True:
            page = self._call(operation, dict(request))
            yield page
            tokens = {key: page[key] for key in _TOKENS if page.get(key)}
            if not tokens:
                return
            request |= tokens

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **request: self._call(operation, request)
