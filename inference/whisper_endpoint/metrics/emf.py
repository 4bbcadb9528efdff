# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Publishes readings as lines in CloudWatch's embedded metric format.

CloudWatch Logs extracts metrics from JSON lines with a member ``_aws``, if the JSON begins the
line. Ray prefixes everything that its processes print with the actor's name, so the lines are
written to the standard output of the container's first process instead.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from whisper_endpoint.metrics.collector import Metric, Reading, Signals
from whisper_endpoint.settings import EndpointSettings

logger = logging.getLogger(__name__)

NAMESPACE = "WhisperEndpoint"
CONTAINER_OUTPUT = Path("/proc/1/fd/1")
# Where SageMaker extracts the model archive; on a laptop it is elsewhere.
_ON_SAGEMAKER = Path("/opt/ml/model")


def destination(setting: str, archive: Path) -> Path | None:
    """Return the path that the lines are written to, or None for nowhere.

    Parameters
    ----------
    setting : str
        ``WHISPER_METRICS_FILE``.
    archive : Path
        The folder that the program was started from.
    """
    if setting:
        return None if setting == "off" else Path(setting)
    return CONTAINER_OUTPUT if archive == _ON_SAGEMAKER else None


def lines(
    reading: Reading, *, process: str, endpoint_name: str, milliseconds: int
) -> Iterator[bytes]:
    """Format a reading: one line for all counts, and one for each measured metric and error code.

    Writes to a pipe shared by several processes are atomic up to 4,096 bytes; a line of 100 values
    is shorter.

    Parameters
    ----------
    process : str
        Name of the process in the log; not a dimension.
    endpoint_name : str
        The dimension EndpointName; empty for none.
    milliseconds : int
        Time of the reading, since 1970.

    Yields
    ------
    bytes
        One JSON object and a line feed.
    """
    named = {"EndpointName": endpoint_name} if endpoint_name else {}

    def line(values: Mapping[Metric, Any], more: Mapping[str, str]) -> bytes:
        dimensions = {**named, **more}
        metrics = [{"Name": metric.value[0], "Unit": metric.value[1]} for metric in values]
        about = {"Namespace": NAMESPACE, "Dimensions": [[*dimensions]], "Metrics": metrics}
        return orjson.dumps(
            {
                "_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [about]},
                **dimensions,
                "Process": process,
                **{metric.value[0]: value for metric, value in values.items()},
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )

    if reading.counts:
        yield line(reading.counts, {})
    for metric, values in reading.values.items():
        yield line({metric: [round(value, 3) for value in values]}, {})
    for code, count in sorted(reading.errors.items()):
        yield line({Metric.ERRORS: count}, {"Code": code})


class Publisher:
    """Writes a process's readings at regular intervals, from its own thread.

    Parameters
    ----------
    process, endpoint_name : str
        See :func:`lines`.
    path : Path
        A file or pipe. If it cannot be written, that is logged once and the lines are lost.
    period_s : float
        Seconds between readings.
    """

    def __init__(
        self, signals: Signals, process: str, endpoint_name: str, path: Path, period_s: float
    ) -> None:
        self._signals = signals
        self._process = process
        self._endpoint_name = endpoint_name
        self._path = path
        self._period_s = period_s
        self._has_failed = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="whisper-metrics", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write a last reading and end the thread."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._period_s):
            self._publish()
        self._publish()

    def _publish(self) -> None:
        told = lines(
            self._signals.read(),
            process=self._process,
            endpoint_name=self._endpoint_name,
            milliseconds=time.time_ns() // 1_000_000,
        )
        try:
            write(self._path, *told)
        except OSError as error:
            if not self._has_failed:
                logger.warning("metrics cannot be written to %s: %s", self._path, error.strerror)
            self._has_failed = True


def publish(signals: Signals, process: str, settings: EndpointSettings, archive: Path) -> None:
    """Start publishing a process's signals, if the settings say so."""
    path = destination(settings.metrics_file, archive)
    if path is not None:
        Publisher(signals, process, settings.endpoint_name, path, settings.metrics_period_s).start()


def write(path: Path, *texts: bytes) -> None:
    """Append lines to a file or pipe, each with one write; raise if a pipe is full.

    Raises
    ------
    OSError
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o644)
    try:
        for text in texts:
            os.write(descriptor, text)
    finally:
        os.close(descriptor)
