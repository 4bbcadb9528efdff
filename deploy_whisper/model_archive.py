# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``Custom::WhisperModelArchive``: its physical id is its content.

CloudFormation keeps the old archive until an update has succeeded and deletes it then, and a
rollback finds it where it was.
"""

import logging
from typing import Any

import boto3

from deploy_whisper.archive import Archive, Place, delete_prefix, prefixes
from deploy_whisper.settings import ArchiveSettings, Environment, is_stack_prefix
from deploy_whisper.staging import Budget
from deploy_whisper.weights import source
from whisper_sagemaker.endpoints import STACK_TAG
from whisper_sagemaker.errors import InvalidProperty

log = logging.getLogger(__name__)


class ModelArchive:
    """The archive that one CloudFormation event is about.

    Parameters
    ----------
    event : dict
        CloudFormation's request.
    environment : Environment
    """

    def __init__(self, event: dict[str, Any], environment: Environment) -> None:
        self._event = event
        self._environment = environment
        self._s3 = boto3.client("s3")
        self._archive: Archive | None = None

    @property
    def physical_id(self) -> str:
        """The archive's URI; before its content is known, the id that the event brought."""
        if self._archive:
            return self._archive.uri
        return str(self._event.get("PhysicalResourceId", "no-archive"))

    @property
    def attributes(self) -> dict[str, str]:
        """``S3Uri`` and ``Digest``."""
        archive = self._open()
        return {"S3Uri": archive.uri, "Digest": archive.digest}

    def begin(self, budget: Budget) -> None:
        """Start staging."""
        self.poll(budget)

    def poll(self, budget: Budget) -> bool:
        """Stage what is missing; True when the archive is complete."""
        return self._open().advance(budget)

    def poll_delete(self, budget: Budget) -> bool:  # noqa: ARG002 - deleting a few dozen objects
        """Delete this archive; for an id that is not ours, every archive that no model uses."""
        properties = self._event["ResourceProperties"]
        bucket, prefix = properties.get("Bucket", ""), properties.get("Prefix", "")
        if not bucket or not is_stack_prefix(prefix):
            log.info("nothing was staged: the request named no place for it")
            return True
        home = f"s3://{bucket}/{prefix}"
        if self.physical_id.startswith(home) and self.physical_id.endswith("/"):
            doomed = [self.physical_id.removeprefix(f"s3://{bucket}/")]
        else:
            used = self._in_use()
            doomed = [
                p for p in prefixes(self._s3, bucket, prefix) if f"s3://{bucket}/{p}" not in used
            ]
        for archive in doomed:
            deleted = delete_prefix(self._s3, bucket, archive)
            log.info("deleted %d objects below %s", deleted, archive)
        return True

    def _open(self) -> Archive:
        if self._archive is None:
            settings = ArchiveSettings.from_event(self._event)
            weights = source(
                self._s3, boto3.client("secretsmanager"), settings, self._environment.hub_url
            )
            tags = {STACK_TAG: self._event["StackId"]}
            place = Place(self._s3, settings.bucket, settings.prefix, tags)
            archive = Archive(place, self._environment.endpoint_tree, weights)
            if not archive.program:
                raise InvalidProperty(
                    "ENDPOINT_TREE", str(self._environment.endpoint_tree), "the endpoint's layer"
                )
            _ = archive.uri  # lists the weights: a failure must come before the id is taken
            self._archive = archive
        return self._archive

    def _in_use(self) -> set[str]:
        """Return the archives that a model in this account is made of."""
        client = boto3.client("sagemaker")
        used = set()
        pages = client.get_paginator("list_models").paginate()
        for name in (model["ModelName"] for page in pages for model in page["Models"]):
            container = client.describe_model(ModelName=name).get("PrimaryContainer", {})
            source_of = container.get("ModelDataSource", {}).get("S3DataSource", {})
            used.add(source_of.get("S3Uri", ""))
        return used
