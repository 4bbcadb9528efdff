# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the endpoint says of itself: requests and batch sizes, from its metrics.

The endpoint writes lines in CloudWatch's embedded metric format. Of a local one the file is read;
of one on SageMaker, CloudWatch is asked.
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from botocore import exceptions

from live_whisper.errors import EndpointUnusable
from live_whisper.transport import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

NAMESPACE = "WhisperEndpoint"
KEPT_S = 300
_PERIOD_S = 60


@dataclass(frozen=True)
class EndpointReading:
    """One moment of the endpoint.

    Attributes
    ----------
    time : float
        Seconds since 1970.
    requests : float
        Answered since the moment before.
    batches : int
        Batches decoded since then; of CloudWatch, how many it has values of.
    batch_mean, batch_max : float
        Windows decoded together.
    """

    time: float
    requests: float = 0.0
    batches: int = 0
    batch_mean: float = 0.0
    batch_max: float = 0.0


class EndpointSignals(Protocol):
    """Where readings come from."""

    def readings(self) -> list[dict[str, Any]]:
        """Return the readings of the last minutes, oldest first."""
        ...


class FileSignals:
    """Follows the metric files of a local endpoint.

    Parameters
    ----------
    files : callable
        Returns the files that are there now.
    clock : callable
        Seconds since 1970.
    """

    def __init__(
        self, files: Callable[[], Iterable[Path]], clock: Callable[[], float] = time.time
    ) -> None:
        self._files = files
        self._clock = clock
        self._read: dict[Path, int] = {}
        self._kept: deque[EndpointReading] = deque()

    def readings(self) -> list[dict[str, Any]]:
        """Read what is new, and return the last minutes."""
        now = self._clock()
        rows = [row for path in self._files() for row in self._new_rows(path)]
        batches = [size for row in rows for size in row.get("BatchSize", ())]
        reading = EndpointReading(
            now,
            requests=sum(row.get("Requests", 0) for row in rows),
            batches=len(batches),
            batch_mean=round(sum(batches) / len(batches), 2) if batches else 0.0,
            batch_max=max(batches, default=0.0),
        )
        if not self._kept or now - self._kept[-1].time >= 1 or reading.requests or batches:
            self._kept.append(reading)
        while now - self._kept[0].time > KEPT_S:
            self._kept.popleft()
        return [asdict(one) for one in self._kept]

    def _new_rows(self, path: Path) -> list[dict[str, Any]]:
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read[path] = self._read.get(path, 0) + len(whole)
        return [json.loads(line) for line in whole.splitlines()]


class CloudWatchSignals:
    """Asks CloudWatch, which has a value a minute.

    Parameters
    ----------
    endpoint_name : str
    region : str, optional
    client : boto3 client, optional
        Of CloudWatch.

    Raises
    ------
    EndpointUnusable
        If no region is set.
    """

    def __init__(self, endpoint_name: str, region: str | None = None, client: Any = None) -> None:
        self._dimensions = [{"Name": "EndpointName", "Value": endpoint_name}]
        self._client = client or aws.client(
            "cloudwatch", region, EndpointUnusable, what=f"CloudWatch of {endpoint_name}"
        )

    def readings(self) -> list[dict[str, Any]]:
        """Return the last five minutes; nothing where CloudWatch may not be asked."""
        now = datetime.now(UTC)
        wanted = {
            "requests": ("Requests", "Sum"),
            "batches": ("BatchSize", "SampleCount"),
            "batch_mean": ("BatchSize", "Average"),
            "batch_max": ("BatchSize", "Maximum"),
        }
        try:
            answer = self._client.get_metric_data(
                MetricDataQueries=[
                    self._query(key, name, statistic) for key, (name, statistic) in wanted.items()
                ],
                StartTime=now - timedelta(seconds=KEPT_S),
                EndTime=now,
                ScanBy="TimestampAscending",
            )
        except (exceptions.BotoCoreError, exceptions.ClientError):
            return []
        moments: dict[float, dict[str, float]] = {}
        for result in answer["MetricDataResults"]:
            for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                moments.setdefault(moment.timestamp(), {})[result["Id"]] = value
        return [
            asdict(
                EndpointReading(
                    at,
                    requests=row.get("requests", 0.0),
                    batches=int(row.get("batches", 0)),
                    batch_mean=row.get("batch_mean", 0.0),
                    batch_max=row.get("batch_max", 0.0),
                )
            )
            for at, row in sorted(moments.items())
        ]

    def _query(self, key: str, name: str, statistic: str) -> dict[str, Any]:
        metric = {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": self._dimensions}
        stat = {"Metric": metric, "Period": _PERIOD_S, "Stat": statistic}
        return {"Id": key, "MetricStat": stat}
