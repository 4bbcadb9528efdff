# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A local endpoint's metrics, from its files in CloudWatch's embedded metric format."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from live_whisper.console.signals import KEPT_S, EndpointReading


class FileSignals:
    """Follows the metric files of a local endpoint.

    `files` returns the current files; `clock` returns seconds since 1970.
    """

    def __init__(
        self, files: Callable[[], Iterable[Path]], clock: Callable[[], float] = time.time
    ) -> None:
        self.note = ""
        self._files = files
        self._clock = clock
        self._read: dict[Path, int] = {}
        self._kept: deque[EndpointReading] = deque()

    def readings(self) -> list[dict[str, Any]]:
        """Read new rows, and return the recent readings."""
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
