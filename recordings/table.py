# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The job table in DynamoDB; conditional writes keep late updates from reverting a job."""

import heapq
import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from recordings.errors import JobEnded, OutputTaken, UnknownJob
from recordings.job import ACTIVE, JobStatus, RecordingJob

BY_STATUS, BY_BATCH = "by-status", "by-batch"
"""Indexes on status or batch, both sorted by submission time."""

MOST_DELIVERIES = 100
"""Most recent webhook attempts kept per job: an item is limited to 400 KB."""

UNSTARTED_SECONDS = 60.0
"""How long a claim is valid before its job has a record."""

_SECONDS_OF_A_DAY = 86_400
_MOST_CLAIMINGS = 5
_MOST_AT_ONCE = 100
_NOT_CLAIMED = {"None", "ConditionalCheckFailed", "TransactionConflict"}
# DynamoDB's smallest number is 1e-130, counting all digits.
_LEAST = 1e-100
_IS_ACTIVE = "attribute_exists(id) AND #status IN (:active0, :active1, :active2)"
_serialize, _deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize


class JobTable:
    """Stores the jobs' records.

    Parameters
    ----------
    client : DynamoDB client
    name : str
        Name of the table.
    days_kept : int
        Days until a record expires.
    clock : callable
        Returns seconds since 1970.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        days_kept: int = 90,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._name = name
        self._days_kept = days_kept
        self._clock = clock

    def add(self, job: RecordingJob) -> bool:
        """Add a job; return False, and change nothing, if its id is taken."""
        now = self._clock()
        expires = int(now) + self._days_kept * _SECONDS_OF_A_DAY
        times = {"submitted_at": now, "updated_at": now, "expires_at": expires}
        try:
            self._client.put_item(
                TableName=self._name,
                Item=_item(job.to_fields() | times),
                ConditionExpression="attribute_not_exists(id)",
            )
        except ClientError as error:
            if _is_refused(error):
                return False
            raise
        return True

    def get(self, job_id: str) -> RecordingJob:
        """Return a job, read consistently.

        Raises
        ------
        UnknownJob
        """
        answer = self._client.get_item(
            TableName=self._name, Key=_item({"id": job_id}), ConsistentRead=True
        )
        if "status" not in answer.get("Item", {}):  # claims have no status
            raise UnknownJob(f"There is no job {job_id!r}: check the ID, or list the jobs.")
        return RecordingJob.from_fields(_fields(answer["Item"]))

    def claim_outputs(self, job_id: str, uris: Sequence[str]) -> None:
        """Claim output files for a job, all or none, while it runs; idempotent.

        Claims are never released: one is void once its job has ended, or after
        `UNSTARTED_SECONDS` if the job does not exist. A job without an output key keeps its files
        permanently: nobody expects another job's transcript there.

        Parameters
        ----------
        uris : sequence of str
            ``s3://`` addresses.

        Raises
        ------
        OutputTaken
        """
        former = dict.fromkeys(uris, job_id)
        for _ in range(_MOST_CLAIMINGS):
            if self._put_claims(job_id, former):
                return
            former = {uri: self._former_holder(uri, job_id) for uri in uris}
        raise OutputTaken(
            f"Give another output key: several jobs are requesting {uris[0]} at the same time."
        )

    def begin_attempt(self, job_id: str, token: str) -> int:
        """Store the task token of the waiting state, and count the attempt.

        Returns
        -------
        int
            Attempt number, from 1.

        Raises
        ------
        JobEnded, UnknownJob
        """
        now = self._clock()
        names = {"#status": "status", "#token": "token", "#started": "started_at"}
        attributes = self._update(
            job_id,
            "SET #status = :status, #token = :token, updated_at = :now, "
            "#started = if_not_exists(#started, :now) ADD attempt :one "
            "REMOVE output_uri, failure_uri",
            {":status": JobStatus.TRANSCRIBING, ":token": token, ":now": now, ":one": 1},
            names,
        )
        return int(attributes["attempt"])

    def remember_places(self, job_id: str, attempt: int, output: str, failure: str) -> None:
        """Store where SageMaker writes an attempt's answer or refusal, unless a newer one began."""
        try:
            self._client.update_item(
                TableName=self._name,
                Key=_item({"id": job_id}),
                UpdateExpression="SET output_uri = :output, failure_uri = :failure",
                ConditionExpression="attempt = :attempt",
                ExpressionAttributeValues=_item(
                    {":attempt": attempt, ":output": output, ":failure": failure}
                ),
            )
        except ClientError as error:
            if not _is_refused(error):
                raise

    def end(self, job_id: str, status: JobStatus, **results: Any) -> RecordingJob:
        """Set a job's final status.

        Parameters
        ----------
        results
            Further fields of `RecordingJob` to set.

        Raises
        ------
        JobEnded
            It already has one.
        UnknownJob
        """
        now = self._clock()
        values = {"status": status, "updated_at": now, "ended_at": now, **results}
        names = {f"#{name}": name for name in values}
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        attributes = self._update(
            job_id,
            f"SET {sets} REMOVE #token",
            {f":{name}": value for name, value in values.items()},
            names | {"#token": "token"},
        )
        return RecordingJob.from_fields(attributes)

    def mark_announced(self, job_id: str) -> None:
        """Record that a job's end has been announced."""
        self._client.update_item(
            TableName=self._name,
            Key=_item({"id": job_id}),
            UpdateExpression="SET announced = :yes",
            ConditionExpression="attribute_exists(id)",
            ExpressionAttributeValues=_item({":yes": True}),
        )

    def record_delivery(self, job_id: str, delivery: dict[str, Any]) -> None:
        """Record the outcome of a webhook attempt; beyond `MOST_DELIVERIES`, drop the oldest."""
        answer = self._client.update_item(
            TableName=self._name,
            Key=_item({"id": job_id}),
            UpdateExpression="SET deliveries = list_append(if_not_exists(deliveries, :none), :one)",
            ConditionExpression="attribute_exists(id)",
            ExpressionAttributeValues=_item({":none": [], ":one": [delivery]}),
            ReturnValues="ALL_NEW",
        )
        if len(answer["Attributes"]["deliveries"]["L"]) > MOST_DELIVERIES:
            self._drop_oldest_delivery(job_id)

    def mark_deleted(self, job_id: str) -> None:
        """Record that a job's owner has deleted it."""
        self._client.update_item(
            TableName=self._name,
            Key=_item({"id": job_id}),
            UpdateExpression="SET deleted = :yes",
            ConditionExpression="attribute_exists(id)",
            ExpressionAttributeValues=_item({":yes": True}),
        )

    def newest(self, statuses: Iterable[JobStatus], limit: int) -> list[RecordingJob]:
        """Return the most recently submitted jobs.

        Parameters
        ----------
        statuses : iterable of JobStatus
        limit : int
            Maximum number of jobs.
        """
        at_once = min(limit, _MOST_AT_ONCE)
        return list(itertools.islice(self.each(statuses, at_once=at_once), limit))

    def each(
        self,
        statuses: Iterable[JobStatus],
        before: float | None = None,
        at_once: int = _MOST_AT_ONCE,
    ) -> Iterator[RecordingJob]:
        """Yield every job, the most recently submitted first, reading `at_once` of each status."""
        each = (self._each_of(status, before, at_once) for status in statuses)
        return heapq.merge(*each, key=lambda job: -job.submitted_at)

    def count_of_batch(self, batch: str) -> dict[str, int]:
        """Return the number of a batch's jobs per status."""
        pages = self._pages(
            IndexName=BY_BATCH,
            KeyConditionExpression="#batch = :batch",
            ProjectionExpression="#status",
            ExpressionAttributeNames={"#batch": "batch", "#status": "status"},
            ExpressionAttributeValues=_item({":batch": batch}),
        )
        return dict(Counter(_fields(item)["status"] for items in pages for item in items))

    def _put_claims(self, job_id: str, former: dict[str, str]) -> bool:
        """Claim files that are unclaimed, this job's, or still their `former` holder's."""
        now = self._clock()
        expires = int(now) + self._days_kept * _SECONDS_OF_A_DAY
        claim = {"job": job_id, "unstarted_until": now + UNSTARTED_SECONDS, "expires_at": expires}
        puts = [
            {
                "TableName": self._name,
                "Item": _item({"id": uri, **claim}),
                "ConditionExpression": "attribute_not_exists(id) OR #job IN (:job, :former)",
                "ExpressionAttributeNames": {"#job": "job"},
                "ExpressionAttributeValues": _item({":job": job_id, ":former": holder}),
            }
            for uri, holder in former.items()
        ]
        try:
            self._client.transact_write_items(TransactItems=[{"Put": put} for put in puts])
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [{}])
            if not {one.get("Code") for one in reasons} <= _NOT_CLAIMED:
                raise
            return False
        return True

    def _former_holder(self, uri: str, job_id: str) -> str:
        """Return the job with a void claim on a file; this job if there is no claim.

        Raises
        ------
        OutputTaken
            The claim is valid.
        """
        answer = self._client.get_item(
            TableName=self._name, Key=_item({"id": uri}), ConsistentRead=True
        )
        claim = _fields(answer.get("Item", {}))
        holder = str(claim.get("job", job_id))
        if holder == job_id:
            return job_id
        try:
            job = self.get(holder)
        except UnknownJob:
            name, is_held = holder, self._clock() < claim["unstarted_until"]
        else:
            name, is_held = job.known_as, not job.has_ended
            if not job.output_key:
                raise OutputTaken(
                    f"Give another output key: {uri} is already a file of the job {name!r}."
                )
        if is_held:
            raise OutputTaken(
                f"Give another output key, or wait until the job {name!r} has ended: it "
                f"also writes {uri}."
            )
        return holder

    def _drop_oldest_delivery(self, job_id: str) -> None:
        try:
            self._client.update_item(
                TableName=self._name,
                Key=_item({"id": job_id}),
                UpdateExpression="REMOVE deliveries[0]",
                ConditionExpression="size(deliveries) > :most",
                ExpressionAttributeValues=_item({":most": MOST_DELIVERIES}),
            )
        except ClientError as error:
            if not _is_refused(error):  # another attempt has dropped it meanwhile
                raise

    def _each_of(
        self, status: JobStatus, before: float | None, at_once: int
    ) -> Iterator[RecordingJob]:
        condition = "#status = :status"
        values: dict[str, Any] = {":status": status}
        if before is not None:
            condition += " AND submitted_at < :before"
            values[":before"] = before
        pages = self._pages(
            IndexName=BY_STATUS,
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=_item(values),
            ScanIndexForward=False,
            Limit=at_once,
        )
        return (RecordingJob.from_fields(_fields(item)) for items in pages for item in items)

    def _pages(self, **query: Any) -> Iterator[list[dict[str, Any]]]:
        """Yield the items of a query; DynamoDB ends a page at 1 MB, however few items that is."""
        more: dict[str, Any] = {}
        while True:
            answer = self._client.query(TableName=self._name, **query, **more)
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _update(
        self,
        job_id: str,
        expression: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Update a job that has not ended; return its new fields."""
        active = {f":active{place}": status for place, status in enumerate(ACTIVE)}
        try:
            answer = self._client.update_item(
                TableName=self._name,
                Key=_item({"id": job_id}),
                UpdateExpression=expression,
                ConditionExpression=_IS_ACTIVE,
                ExpressionAttributeNames={"#status": "status", **(names or {})},
                ExpressionAttributeValues=_item(values | active),
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if _is_refused(error):
                ended = self.get(job_id)  # raises UnknownJob if there is none
                raise JobEnded(
                    f"The job {ended.known_as} has already ended as {ended.status}."
                ) from None
            raise
        return _fields(answer["Attributes"])


def _is_refused(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def _item(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _serialize(_to_dynamodb(value)) for name, value in fields.items()}


def _fields(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _from_dynamodb(_deserialize(value)) for name, value in item.items()}


def _to_dynamodb(value: Any) -> Any:
    """Convert floats to Decimal, as DynamoDB requires."""
    if isinstance(value, float):
        return Decimal(repr(_representable(value)))
    if isinstance(value, JobStatus):
        return value.value
    if isinstance(value, dict):
        return {name: _to_dynamodb(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_to_dynamodb(one) for one in value]
    return value


def _representable(value: float) -> float:
    """Return a number, moved away from 0 where DynamoDB could not represent it."""
    return value if not value or abs(value) > _LEAST else math.copysign(_LEAST, value)


def _from_dynamodb(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _from_dynamodb(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_from_dynamodb(one) for one in value]
    return value
