# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Metrics: what is collected, the lines it becomes, and that they arrive outside the process."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.unit.endpoint.emf import read_metrics
from whisper_endpoint.metrics import emf
from whisper_endpoint.metrics.collector import (
    ENGINE_COUNTS,
    INGRESS_COUNTS,
    MAX_VALUES,
    Metric,
    Signals,
)
from whisper_endpoint.metrics.emf import Publisher, destination, lines

ARCHIVE = Path("/opt/ml/model")


def written(signals: Signals, endpoint_name: str = "calls") -> list[dict[str, Any]]:
    reading = signals.read()
    return [
        json.loads(line)
        for line in lines(reading, process="engine", endpoint_name=endpoint_name, milliseconds=7)
    ]


def test_counts_begin_anew_and_are_told_when_they_are_zero() -> None:
    signals = Signals(INGRESS_COUNTS)
    signals.count(Metric.REQUESTS)
    signals.count(Metric.REQUESTS, 2)
    signals.refused("Overloaded")
    first, second = signals.read(), signals.read()
    assert first.counts == dict.fromkeys(INGRESS_COUNTS, 0) | {Metric.REQUESTS: 3}
    assert first.errors == {"Overloaded": 1}
    assert second.counts == dict.fromkeys(INGRESS_COUNTS, 0)
    assert second.errors == {}


def test_a_line_is_cloudwatchs_embedded_metric_format() -> None:
    signals = Signals(INGRESS_COUNTS)
    signals.count(Metric.AUDIO, 2.5)
    signals.measure(Metric.FINAL_LATENCY, 12.34567, 8)
    signals.refused("MalformedBody")
    counts, latency, error = written(signals)
    assert counts == {
        "_aws": {
            "Timestamp": 7,
            "CloudWatchMetrics": [
                {
                    "Namespace": "WhisperEndpoint",
                    "Dimensions": [["EndpointName"]],
                    "Metrics": [
                        {"Name": "Requests", "Unit": "Count"},
                        {"Name": "Partials", "Unit": "Count"},
                        {"Name": "AudioSeconds", "Unit": "Seconds"},
                        {"Name": "Abandoned", "Unit": "Count"},
                    ],
                }
            ],
        },
        "EndpointName": "calls",
        "Process": "engine",
        "Requests": 0,
        "Partials": 0,
        "AudioSeconds": 2.5,
        "Abandoned": 0,
    }
    assert latency["FinalLatency"] == [12.346, 8.0]
    assert error["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["EndpointName", "Code"]]
    assert (error["Code"], error["Errors"]) == ("MalformedBody", 1)


def test_an_endpoint_without_a_name_has_no_such_dimension() -> None:
    signals = Signals(ENGINE_COUNTS)
    signals.refused("Overloaded")
    counts, error = written(signals, endpoint_name="")
    assert counts["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
    assert "EndpointName" not in counts
    assert error["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Code"]]


def test_measured_values_are_bounded_and_any_may_be_kept() -> None:
    signals = Signals(())
    signals.measure(Metric.QUEUE_WAIT, *range(10_000))
    (line,) = written(signals)
    values = line["QueueWait"]
    assert len(values) == MAX_VALUES == 100
    assert len(set(values)) == 100
    # By chance alone the mean of 100 is within 1,500 of 5,000 but once in a hundred thousand times.
    assert 3_500 < sum(values) / 100 < 6_500


def test_a_line_goes_through_a_pipe_in_one_piece() -> None:
    signals = Signals(ENGINE_COUNTS)
    for metric in ENGINE_COUNTS:
        signals.count(metric, 123_456_789)
    for metric in Metric:
        signals.measure(metric, *[123_456.789] * 1000)
    reading = signals.read()
    sizes = map(len, lines(reading, process="x" * 10, endpoint_name="e" * 63, milliseconds=10**13))
    assert max(sizes) <= 4096


@pytest.mark.parametrize(
    ("setting", "archive", "expected"),
    [
        ("", ARCHIVE, Path("/proc/1/fd/1")),
        ("", Path("/home/me/model"), None),
        ("off", ARCHIVE, None),
        ("/tmp/metrics", ARCHIVE, Path("/tmp/metrics")),
    ],
)
def test_where_lines_go(setting: str, archive: Path, expected: Path | None) -> None:
    assert destination(setting, archive) == expected


def test_the_last_reading_is_written_when_it_stops(tmp_path: Path) -> None:
    signals = Signals(INGRESS_COUNTS)
    publisher = Publisher(signals, "ingress", "calls", tmp_path / "metrics", 3600)
    publisher.start()
    signals.count(Metric.REQUESTS, 5)
    publisher.stop()
    (line,) = (tmp_path / "metrics").read_text().splitlines()
    assert json.loads(line)["Requests"] == 5


def test_readings_come_again_and_again_and_survive_a_place_that_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signals = Signals(INGRESS_COUNTS)
    folder = tmp_path / "later"
    publisher = Publisher(signals, "ingress", "", folder / "metrics", 0.01)
    publisher.start()
    tries = threading.Event()
    tries.wait(0.2)
    folder.mkdir()
    while not (folder / "metrics").exists() or (folder / "metrics").read_text().count("\n") < 3:
        tries.wait(0.01)
    publisher.stop()
    assert caplog.text.count("metrics cannot be written") == 1


WRITER = """
import sys
from pathlib import Path
from whisper_endpoint.metrics.emf import write
print("what Ray would put its prefix before")
write(Path(sys.argv[1]), b'{"one": 1}\\n', b'{"two": 2}\\n')
"""


def test_lines_come_out_of_another_process_bare(tmp_path: Path) -> None:
    """As in the container: a process that is not the first writes to the first one's output."""
    first = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        stdout=subprocess.PIPE,
    )
    try:
        path = f"/proc/{first.pid}/fd/1"
        root = str(Path(emf.__file__).parents[2])
        writer = subprocess.run(
            [sys.executable, "-c", WRITER, path],
            env={**os.environ, "PYTHONPATH": root},
            capture_output=True,
            check=True,
        )
        assert b"prefix" in writer.stdout
    finally:
        first.kill()
    out, _ = first.communicate()
    assert out == b'{"one": 1}\n{"two": 2}\n'


def test_a_full_pipe_loses_lines_and_holds_nobody_up(tmp_path: Path) -> None:
    read, write = os.pipe()
    try:
        path = Path(f"/proc/{os.getpid()}/fd/{write}")
        with pytest.raises(BlockingIOError):
            for _ in range(1000):
                emf.write(path, b"x" * 4000)
    finally:
        os.close(read)
        os.close(write)


def test_the_reader_of_the_tests_refuses_what_cloudwatch_would_not_read() -> None:
    good = {
        "_aws": {
            "Timestamp": 1,
            "CloudWatchMetrics": [
                {"Namespace": "n", "Dimensions": [[]], "Metrics": [{"Name": "A", "Unit": "Count"}]}
            ],
        },
        "A": [1, 2],
    }
    assert read_metrics(json.dumps(good) + "\n") == {"A": [1, 2]}
    with pytest.raises(AssertionError):
        read_metrics("(ServeReplica:engine:Engine pid=7) " + json.dumps(good) + "\n")
    with pytest.raises(AssertionError):
        read_metrics(json.dumps(good | {"A": list(range(101))}) + "\n")
    with pytest.raises(AssertionError):
        read_metrics(json.dumps({key: good[key] for key in ["_aws"]}) + "\n")


def test_every_metric_is_explained() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "metrics.md").read_text()
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `")]
    explained = {
        name: unit.strip() for names, unit in rows for name in re.findall("`([A-Za-z]+)`", names)
    }
    assert explained == dict(metric.value for metric in Metric)
