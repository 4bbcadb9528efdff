# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``Custom::WhisperModelArchive``: its physical id, the URI, depends on its content.

So CloudFormation keeps the old archive until an update has succeeded and only then deletes it, and
a rollback finds it in place.
"""

import logging
import re
from contextlib import AbstractContextManager, nullcontext

import boto3

from deploy_whisper import metrics
from deploy_whisper.archive import lease, renewal
from deploy_whisper.archive.archive import Archive
from deploy_whisper.archive.own_buckets import OwnBuckets, account_of
from deploy_whisper.archive.s3_prefix import (
    Prefix,
    delete_object_for_good,
    delete_prefix,
    prefixes,
    require_region,
)
from deploy_whisper.archive.speakers import with_speakers
from deploy_whisper.archive.weights import source
from deploy_whisper.budget import Budget, BudgetSpent
from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.endpoint.preflight import refuse_in_advance
from deploy_whisper.invocations import buckets, noted_endpoints
from deploy_whisper.settings import ArchiveSettings, Environment
from whisper_sagemaker import names
from whisper_sagemaker.endpoints import STACK_TAG, StackEndpoint
from whisper_sagemaker.errors import InvalidProperty
from whisper_sagemaker.tagged import endpoints_of

log = logging.getLogger(__name__)

_ARCHIVE = re.compile(
    r"s3://(?P<bucket>[^/]+)/(?P<prefix>whisper-sagemaker/[^/]+/)(?P<digest>[0-9a-f]{32}/)"
)


class ModelArchive:
    """Handles a CloudFormation event for the archive."""

    def __init__(self, event: CloudFormationEvent, environment: Environment) -> None:
        self._event = event
        self._environment = environment
        self._s3 = OwnBuckets(boto3.client("s3"), account_of(event.stack_id))
        self._archive: Archive | None = None
        self._bucket: str = event.properties.get("Bucket", "")
        self._prefix: str = event.properties.get("Prefix", "")

    @property
    def physical_id(self) -> str:
        """The archive's URI; until its content is known, the event's id."""
        if self._archive:
            return self._archive.uri
        return self._event.physical_id or "no-archive"

    @property
    def attributes(self) -> dict[str, str]:
        """``S3Uri`` and ``Digest``, available after `poll`."""
        assert self._archive
        return {"S3Uri": self._archive.uri, "Digest": self._archive.digest}

    def poll(self, budget: Budget) -> bool:
        """Stage missing files; return True once the archive is complete."""
        try:
            archive = self._open(budget)
            with self._lease(budget) as is_ours:
                done = is_ours and archive.advance(budget)
        except BudgetSpent:
            return False
        if done:
            # Gives the alarm for expiry its first data point.
            metrics.put(self._event.stack_id, metrics.LIFE_LEFT, renewal.WHOLE, "Percent")
        return done

    def poll_delete(self, budget: Budget) -> bool:
        """Delete this archive, and all others of this stack that no model uses.

        The others come from failed requests, whose ids CloudFormation never learnt.
        """
        ever = buckets(self._event)
        with self._lease(budget) as is_ours:
            if is_ours:
                for bucket, archive in sorted(self._doomed(ever)):
                    deleted = delete_prefix(self._s3, bucket, archive)
                    log.info("deleted %d objects below %s", deleted, archive)
                for bucket in ever - {self._bucket}:  # left by a killed invocation
                    delete_object_for_good(self._s3, bucket, self._prefix + lease.NAME)
        return is_ours

    def _lease(self, budget: Budget) -> AbstractContextManager[bool]:
        """Return the lease of the stack's prefix, as a context manager."""
        if not self._has_home:  # nothing is written or deleted there
            return nullcontext(True)
        return lease.Lease(self._s3, self._bucket, self._prefix, budget.life)

    @property
    def _has_home(self) -> bool:
        return bool(self._bucket) and self._prefix == names.archive_home(self._event.stack_id)

    def _doomed(self, ever: set[str]) -> set[tuple[str, str]]:
        """Return the archives to delete, in all buckets in which the stack has begun one."""
        named = _ARCHIVE.fullmatch(self.physical_id)
        # The id may name a bucket that the stack no longer uses; its prefix names the stack.
        is_ours = named and named["prefix"] == names.archive_home(self._event.stack_id)
        doomed = (
            {(named["bucket"], named["prefix"] + named["digest"])} if named and is_ours else set()
        )
        if self._has_home:
            used = self._in_use()
            for name in {self._bucket, *ever}:
                staged = prefixes(self._s3, name, self._prefix)
                doomed |= {(name, item) for item in staged if f"s3://{name}/{item}" not in used}
        return doomed

    def _open(self, budget: Budget) -> Archive:
        if self._archive is None:
            settings = ArchiveSettings.from_event(self._event)
            if not self._event.is_poll:
                refuse_in_advance(self._event)
                require_region(self._s3, settings.bucket, self._event.region)
            secrets = boto3.client("secretsmanager")
            hub_url = settings.hub_url or self._environment.hub_url
            # A model given by URI may be in another account's bucket.
            s3 = boto3.client("s3")
            model = source(s3, secrets, settings, hub_url, budget.sleep)
            weights = with_speakers(model, s3, settings, hub_url, budget.sleep)
            tags = {STACK_TAG: self._event.stack_id}
            home = Prefix(self._s3, settings.bucket, settings.prefix, tags, settings.kms_key_arn)
            archive = Archive(home, self._environment.endpoint_tree, weights, settings.origin)
            if not archive.program:
                raise InvalidProperty(
                    "ENDPOINT_TREE", str(self._environment.endpoint_tree), "the endpoint's layer"
                )
            archive = self._earlier(archive) or archive
            _ = archive.uri  # lists the weights: a failure must come before the id is taken
            self._archive = archive
        return self._archive

    def _earlier(self, archive: Archive) -> Archive | None:
        """Return, for a rollback, an earlier archive, preferably one that a model still uses."""
        if self._event.request_type != "Update":
            return None
        if not self._event.is_rolling_back():
            return None
        found = archive.earlier()
        used = self._in_use() if found else set()
        return min(found, key=lambda item: item.uri not in used, default=None)

    def _in_use(self) -> set[str]:
        """Return the archives used by models of this stack."""
        client, stack_id = boto3.client("sagemaker"), self._event.stack_id
        tagging = boto3.client("resourcegroupstaggingapi")
        # The function's tags have recent endpoints, which the Tagging API may not know yet.
        endpoints = {*noted_endpoints(self._event.function_arn), *endpoints_of(tagging, stack_id)}
        used = (StackEndpoint(client, name, stack_id).model_data() for name in endpoints)
        return set().union(*used)
