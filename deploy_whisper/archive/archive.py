# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The model archive: endpoint program, wheels and weights, below an S3 prefix per content.

SageMaker copies ``s3://<bucket>/<prefix>/<digest>/`` to ``/opt/ml/model``. The digest covers the
list of files and the encryption key, so equal content has one place. The manifest is written last
and marks the archive as complete.
"""

import hashlib
import json
import logging
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deploy_whisper.archive import kms
from deploy_whisper.archive.s3_prefix import NOT_USABLE, Prefix, objects, prefixes
from deploy_whisper.archive.source_file import SourceFile
from deploy_whisper.archive.upload import Destination
from deploy_whisper.archive.weights import WeightsSource
from deploy_whisper.budget import Budget
from whisper_sagemaker import names
from whisper_sagemaker.errors import InvalidProperty

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
WEIGHTS = "weights/"

_DIGEST_LENGTH = 32


class Archive:
    """One model archive.

    Parameters
    ----------
    home : Prefix
        The stack's prefix, below which each archive has a folder.
    tree : Path
        Folder with the endpoint program, in the archive's layout.
    origin : str, optional
        Source of the weights, as requested; recorded in the manifest.
    known : list of SourceFile, optional
        The model's files, if known, so that the source, which may be gone, is not asked.
    """

    def __init__(
        self,
        home: Prefix,
        tree: Path,
        weights: WeightsSource,
        origin: str = "",
        known: list[SourceFile] | None = None,
    ) -> None:
        self._home = home
        self._s3 = home.s3
        self._tree = tree
        self._weights = weights
        self._origin = origin
        self._known = known

    @cached_property
    def program(self) -> list[SourceFile]:
        """The program's files, sorted by path."""
        found = sorted(path for path in self._tree.rglob("*") if path.is_file())
        paths = (path.relative_to(self._tree).as_posix() for path in found)
        sizes = (path.stat().st_size for path in found)
        return list(map(SourceFile, paths, sizes, map(_sha256, found)))

    @cached_property
    def weights(self) -> list[SourceFile]:
        """The model's files; raises WeightsError if the model is incomplete."""
        return self._weights.files() if self._known is None else self._known

    @property
    def contents(self) -> list[dict[str, Any]]:
        """Path, size and digest of every file, as the manifest lists them."""
        weights = [replace(file, path=WEIGHTS + file.path) for file in self.weights]
        return [asdict(file) for file in (*self.program, *weights)]

    @cached_property
    def digest(self) -> str:
        """Identity of the content and the user's KMS key: 32 hexadecimal digits.

        Objects stay encrypted with the key that they were written with, and an update revokes the
        permission for the old key. So another key makes another archive.
        """
        key = self._home.kms_key_arn
        identity = [*self.contents, {"kms_key_arn": key}] if key else self.contents
        return names.digest(identity)[:_DIGEST_LENGTH]

    @property
    def uri(self) -> str:
        """Where the archive is: ``s3://bucket/prefix/digest/``."""
        return f"s3://{self._home.bucket}/{self._home.name}{self.digest}/"

    def is_complete(self) -> bool:
        """Return whether the manifest and every file in it exist, with the right sizes.

        The manifest alone is not enough, because each object may expire separately.
        """
        below = self._at("").key
        listed = objects(self._s3, self._home.bucket, below)
        stored = {item["Key"].removeprefix(below): item["Size"] for item in listed}
        wanted = {file["path"]: file["size"] for file in self.contents}
        return MANIFEST in stored and wanted.items() <= stored.items()

    def earlier(self) -> list["Archive"]:
        """Return earlier complete archives with this program, key and origin.

        The source is not asked: its content may have changed or be gone.
        """
        found = prefixes(self._s3, self._home.bucket, self._home.name)
        archives = (self._recorded(prefix) for prefix in found)
        return [archive for archive in archives if archive]

    def _recorded(self, prefix: str) -> "Archive | None":
        """Return the archive below a prefix if it is complete and has this one's origin."""
        content = Destination(self._s3, self._home.bucket, prefix + MANIFEST, {}).content()
        if content is None:
            return None
        manifest = json.loads(content)
        known = [
            SourceFile(file["path"].removeprefix(WEIGHTS), file["size"], file["digest"])
            for file in manifest["files"]
            if file["path"].startswith(WEIGHTS)
        ]
        archive = Archive(self._home, self._tree, self._weights, self._origin, known)
        is_same = (
            manifest.get("origin") == self._origin
            and prefix == f"{self._home.name}{archive.digest}/"
        )
        return archive if is_same and archive.is_complete() else None

    def advance(self, budget: Budget) -> bool:
        """Stage missing files until the archive is complete or the budget is spent.

        Returns whether the archive is complete.

        Raises
        ------
        InvalidProperty
            If the bucket does not exist or is not writable.
        WeightsError
        """
        try:
            return self._advance(budget)
        except ClientError as error:
            if key := kms.key_of_refusal(error):
                raise kms.refused(error, self._home.kms_key_arn, key) from error
            code = error.response["Error"]["Code"]
            if code not in NOT_USABLE:
                raise
            remedy = "a bucket of this account in this Region that the stack may write to"
            raise InvalidProperty(
                "S3BucketName", self._home.bucket, f"{remedy} (S3 says {code})"
            ) from error

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

    def _stage_program(self, file: SourceFile) -> None:
        to = self._at(file.path)
        if not to.holds(file.digest):
            with (self._tree / file.path).open("rb") as body:
                to.put(body, file.digest)

    def _write_manifest(self) -> None:
        content = {"digest": self.digest, "origin": self._origin, "files": self.contents}
        body = json.dumps(content, indent=1).encode()
        self._at(MANIFEST).put(body, self.digest, ContentType="application/json")

    def _at(self, path: str) -> Destination:
        key = f"{self._home.name}{self.digest}/{path}"
        return Destination(self._s3, self._home.bucket, key, self._home.tags)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
