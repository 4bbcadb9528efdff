# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint's metrics from CloudWatch: requests and batch sizes."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore import exceptions

from live_whisper.errors import EndpointUnusable
from live_whisper.transport import aws

NAMESPACE = "WhisperEndpoint"
KEPT_S = 300
_PERIOD_S = 60


@dataclass(frozen=True)
class EndpointReading:
    """The endpoint's metrics at one moment.

    Attributes
    ----------
    time : float
        Seconds since 1970.
    requests : float
        Answered since the previous reading.
    batches : int
        Batches decoded since then; from CloudWatch, the number of samples.
    batch_mean, batch_max : float
        Windows decoded together.
    """

    time: float
    requests: float = 0.0
    batches: int = 0
    batch_mean: float = 0.0
    batch_max: float = 0.0


class EndpointSignals(Protocol):
    """Source of readings.

    Attributes
    ----------
    note : str
        A sentence on why there are none, if known.
    """

    note: str

    def readings(self) -> list[dict[str, Any]]:
        """Return recent readings, oldest first."""
        ...


class CloudWatchSignals:
    """Reads CloudWatch, which has one value per minute.

    Parameters
    ----------
    client : boto3 client, optional
        CloudWatch client.

    Raises
    ------
    EndpointUnusable
        If no region is set.
    """

    def __init__(self, endpoint_name: str, region: str | None = None, client: Any = None) -> None:
        self._dimensions = [{"Name": "EndpointName", "Value": endpoint_name}]
        self._kept: tuple[float, list[dict[str, Any]]] = (-_PERIOD_S, [])
        self.note = ""
        self._client = client or aws.client(
            "cloudwatch", region, EndpointUnusable, what=f"CloudWatch of {endpoint_name}"
        )

    def readings(self) -> list[dict[str, Any]]:
        """Return the last five minutes; nothing if access to CloudWatch is denied.

        The page polls every second; CloudWatch charges per call, so it is read twice a minute.
        """
        asked, kept = self._kept
        if time.monotonic() - asked < _PERIOD_S / 2:
            return kept
        readings = self._ask(datetime.now(UTC))
        self._kept = (time.monotonic(), readings)
        return readings

    def _ask(self, now: datetime) -> list[dict[str, Any]]:
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
            self.note = "CloudWatch cannot be read; allow cloudwatch:GetMetricData."
            return []
        self.note = ""
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
