# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
from pathlib import Path

from scripts.metric_files import FileSignals


def test_readings_come_from_new_lines_of_the_metric_files(tmp_path: Path) -> None:
    path, now = tmp_path / "metrics.jsonl", [1000.0]
    signals = FileSignals(lambda: [path], clock=lambda: now[0])
    rows = [{"Requests": 3}, {"BatchSize": [1, 2, 6]}, {"Other": 1}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"half')
    (first,) = signals.readings()
    assert first == {
        "time": 1000.0,
        "requests": 3,
        "batches": 3,
        "batch_mean": 3.0,
        "batch_max": 6,
    }
    now[0] += 2
    with path.open("a") as file:
        file.write('": 1}\n{"Requests": 1}\n')
    assert [one["requests"] for one in signals.readings()] == [3, 1]
    now[0] += 400
    assert [one["requests"] for one in signals.readings()] == [0]
