# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Collects the counts and measurements of one process between two readings."""

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Metric(Enum):
    """A metric's name in CloudWatch and its unit there."""

    REQUESTS = ("Requests", "Count")
    PARTIALS = ("Partials", "Count")
    AUDIO = ("AudioSeconds", "Seconds")
    PARTIAL_LATENCY = ("PartialLatency", "Milliseconds")
    FINAL_LATENCY = ("FinalLatency", "Milliseconds")
    ERRORS = ("Errors", "Count")
    ABANDONED = ("Abandoned", "Count")

    WINDOWS = ("Windows", "Count")
    QUEUE_WAIT = ("QueueWait", "Milliseconds")
    BATCH_SIZE = ("BatchSize", "Count")
    ENCODE = ("EncodeTime", "Milliseconds")
    DECODE = ("DecodeTime", "Milliseconds")
    ALIGN = ("AlignTime", "Milliseconds")
    SUPERSEDED = ("PartialsSuperseded", "Count")
    DROPPED = ("PartialsDropped", "Count")
    EXPIRED = ("Expired", "Count")
    GATE_REPETITIVE = ("GateRepetitive", "Count")
    GATE_UNSURE = ("GateUnsure", "Count")
    GATE_SILENT = ("GateSilent", "Count")
    GATE_INVENTED = ("GateInvented", "Count")


INGRESS_COUNTS = (Metric.REQUESTS, Metric.PARTIALS, Metric.AUDIO, Metric.ABANDONED)
PROXY_COUNTS = (Metric.ABANDONED,)
ENGINE_COUNTS = (
    Metric.WINDOWS,
    Metric.SUPERSEDED,
    Metric.DROPPED,
    Metric.EXPIRED,
    Metric.GATE_REPETITIVE,
    Metric.GATE_UNSURE,
    Metric.GATE_SILENT,
    Metric.GATE_INVENTED,
)

# CloudWatch accepts at most this many values of a metric per line.
MAX_VALUES = 100


@dataclass(frozen=True)
class Reading:
    """Counts and measurements since the previous reading.

    Attributes
    ----------
    counts : mapping of Metric to float
        Every metric that this process counts, including zeros, which alarms need.
    values : mapping of Metric to list of float
        A random sample of at most 100 of each: percentiles and averages are right, the number of
        values and their sum are not.
    errors : mapping of str to int
        Number of errors by code.
    """

    counts: Mapping[Metric, float]
    values: Mapping[Metric, list[float]]
    errors: Mapping[str, int]


@dataclass
class _Sample:
    """A sample of bounded size (reservoir sampling)."""

    seen: int = 0
    kept: list[float] = field(default_factory=list)


class Signals:
    """Collects the counts and measurements of one process. Thread-safe.

    Parameters
    ----------
    counts : tuple of Metric
        Metrics that this process counts.
    """

    def __init__(self, counts: tuple[Metric, ...]) -> None:
        self._always = counts
        self._lock = threading.Lock()
        self._chance = random.Random()  # noqa: S311 - nothing secret
        self._clear()

    def count(self, metric: Metric, amount: float = 1) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[metric] += amount

    def measure(self, metric: Metric, *values: float) -> None:
        """Add values to a metric."""
        with self._lock:
            sample = self._samples[metric]
            for value in values:
                sample.seen += 1
                if len(sample.kept) < MAX_VALUES:
                    sample.kept.append(value)
                elif (place := self._chance.randrange(sample.seen)) < MAX_VALUES:
                    sample.kept[place] = value

    def refused(self, code: str) -> None:
        """Count an error by its code."""
        with self._lock:
            self._errors[code] += 1

    def read(self) -> Reading:
        """Return the reading and start a new one."""
        with self._lock:
            values = {metric: sample.kept for metric, sample in self._samples.items()}
            reading = Reading(dict(self._counts), values, dict(self._errors))
            self._clear()
        return reading

    def _clear(self) -> None:
        self._counts: dict[Metric, float] = dict.fromkeys(self._always, 0)
        self._samples: defaultdict[Metric, _Sample] = defaultdict(_Sample)
        self._errors: Counter[str] = Counter()
