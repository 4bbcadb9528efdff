# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The model archive: endpoint program, wheels and weights below one S3 prefix per content.

``s3://<bucket>/<prefix>/<digest>/`` is laid out by SageMaker under ``/opt/ml/model``. The digest is
that of the plan and of the key that encrypts it, so equal content has one place; the manifest is
written last and says that the archive is complete.
"""

import hashlib
import json
import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deploy_whisper.archive.upload import Destination
from deploy_whisper.archive.weights import KnownWeights, WeightsFile, WeightsSource
from deploy_whisper.budget import Budget
from whisper_sagemaker import names
from whisper_sagemaker.errors import InvalidProperty

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
WEIGHTS = "weights/"

_DIGEST_LENGTH = 32
_NOT_USABLE = frozenset({"403", "404", "AccessDenied", "NoSuchBucket", "PermanentRedirect"})


@dataclass(frozen=True)
class ProgramFile:
    """A file of the layer that holds the endpoint program.

    Attributes
    ----------
    path : str
        Within the archive.
    source : Path
    size : int
        Bytes.
    digest : str
        ``sha256:…``
    """

    path: str
    source: Path
    size: int
    digest: str


@dataclass(frozen=True)
class Place:
    """A stack's own place in a bucket.

    Attributes
    ----------
    s3 : boto3 S3 client
    bucket, prefix : str
        The prefix ends in a slash.
    tags : dict of str to str
        Put on every object.
    kms_key_arn : str, optional
        The bucket's own key; empty: one of S3.
    """

    s3: Any = field(repr=False)
    bucket: str
    prefix: str
    tags: dict[str, str]
    kms_key_arn: str = ""


class Archive:
    """One model archive.

    Parameters
    ----------
    place : Place
    tree : Path
        Folder with the endpoint program, in the archive's layout.
    weights : WeightsSource
    origin : str, optional
        What the weights were asked for by; kept in the manifest.
    """

    def __init__(self, place: Place, tree: Path, weights: WeightsSource, origin: str = "") -> None:
        self._place = place
        self._s3 = place.s3
        self._tree = tree
        self._weights = weights
        self._origin = origin

    @cached_property
    def program(self) -> list[ProgramFile]:
        """The program's files, in the order of their paths."""
        paths = sorted(path for path in self._tree.rglob("*") if path.is_file())
        return [
            ProgramFile(
                path=path.relative_to(self._tree).as_posix(),
                source=path,
                size=path.stat().st_size,
                digest=_sha256(path),
            )
            for path in paths
        ]

    @cached_property
    def weights(self) -> list[WeightsFile]:
        """The model's files; raises WeightsError where there is no whole model."""
        return self._weights.files()

    @property
    def contents(self) -> list[dict[str, Any]]:
        """Path, size and digest of every file, as the manifest lists them."""
        return [
            {"path": file.path, "size": file.size, "digest": file.digest} for file in self.program
        ] + [
            {"path": WEIGHTS + file.path, "size": file.size, "digest": file.digest}
            for file in self.weights
        ]

    @cached_property
    def digest(self) -> str:
        """Identity of the whole content, and of a key of the user's: 32 hexadecimal digits.

        Objects stay under the key that they were written with, and an update takes the right to it
        away: under another key the archive is another one.
        """
        key = self._place.kms_key_arn
        identity = [*self.contents, {"kms_key_arn": key}] if key else self.contents
        return names.digest(identity)[:_DIGEST_LENGTH]

    @property
    def uri(self) -> str:
        """Where the archive is: ``s3://bucket/prefix/digest/``."""
        return f"s3://{self._place.bucket}/{self._place.prefix}{self.digest}/"

    def is_complete(self) -> bool:
        """Tell whether the manifest is there and every file that it names, at its size.

        The manifest alone says only that they once were: each object may expire by itself.
        """
        stored = self._stored()
        wanted = {file["path"]: file["size"] for file in self.contents}
        return MANIFEST in stored and wanted.items() <= stored.items()

    def _stored(self) -> dict[str, int]:
        prefix = self._at("").key
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._place.bucket, Prefix=prefix
        )
        found = (item for page in pages for item in page.get("Contents", []))
        return {item["Key"].removeprefix(prefix): item["Size"] for item in found}

    def earlier(self) -> list["Archive"]:
        """Return the whole archives of this program, key and origin, as they were made before.

        The source is not asked: it may hold something else since, or nothing.
        """
        found = prefixes(self._s3, self._place.bucket, self._place.prefix)
        archives = (self._recorded(prefix) for prefix in found)
        return [archive for archive in archives if archive]

    def _recorded(self, prefix: str) -> "Archive | None":
        """Return the archive below a prefix if it is whole and was asked for as this one."""
        content = Destination(self._s3, self._place.bucket, prefix + MANIFEST, {}).content()
        if content is None:
            return None
        manifest = json.loads(content)
        known = [
            WeightsFile(file["path"].removeprefix(WEIGHTS), file["size"], file["digest"])
            for file in manifest["files"]
            if file["path"].startswith(WEIGHTS)
        ]
        weights = KnownWeights(self._weights, known)
        archive = Archive(self._place, self._tree, weights, self._origin)
        is_same = (
            manifest.get("origin") == self._origin
            and prefix == f"{self._place.prefix}{archive.digest}/"
        )
        return archive if is_same and archive.is_complete() else None

    def advance(self, budget: Budget) -> bool:
        """Stage what is missing until everything is there or the budget is spent.

        Parameters
        ----------
        budget : Budget

        Returns
        -------
        bool
            Whether the archive is complete.

        Raises
        ------
        InvalidProperty
            If the bucket is not there or not ours to write to.
        WeightsError
        """
        try:
            return self._advance(budget)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in _NOT_USABLE:
                raise
            remedy = f"a bucket in this Region that this account may write to (S3 says {code})"
            raise InvalidProperty("S3BucketName", self._place.bucket, remedy) from error

    def _advance(self, budget: Budget) -> bool:
        if self.is_complete():
            return True
        for file in self.program:
            if budget.spent():
                return False
            self._stage_program(file)
        for weight in self.weights:
            if budget.spent():
                return False
            to = self._at(WEIGHTS + weight.path)
            if not to.holds(weight.digest):
                log.info("staging %s, %d bytes", weight.path, weight.size)
                if not self._weights.stage(weight, to, budget):
                    return False
        self._write_manifest()
        return True

    def _stage_program(self, file: ProgramFile) -> None:
        to = self._at(file.path)
        if not to.holds(file.digest):
            with file.source.open("rb") as body:
                self._s3.put_object(
                    Bucket=to.bucket, Key=to.key, Body=body, Tagging=to.tagging(file.digest)
                )

    def _write_manifest(self) -> None:
        content = {"digest": self.digest, "origin": self._origin, "files": self.contents}
        body = json.dumps(content, indent=1)
        to = self._at(MANIFEST)
        self._s3.put_object(
            Bucket=to.bucket,
            Key=to.key,
            Body=body.encode(),
            ContentType="application/json",
            Tagging=to.tagging(self.digest),
        )

    def _at(self, path: str) -> Destination:
        key = f"{self._place.prefix}{self.digest}/{path}"
        return Destination(self._s3, self._place.bucket, key, self._place.tags)


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

    Parameters
    ----------
    s3 : boto3 S3 client
    bucket, prefix : str
        A bucket that is gone, or does not let us look into it, counts as empty.

    Returns
    -------
    list of str
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
        objects = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]
        if objects:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise ClientError({"Error": first}, "DeleteObjects")
        deleted += len(objects)
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
        if code not in _NOT_USABLE:
            raise
        log.warning("what is in s3://%s/%s, if anything, stays: %s", bucket, prefix, code)
        return []


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
