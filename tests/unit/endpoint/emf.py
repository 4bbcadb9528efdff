# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Reads lines in CloudWatch's embedded metric format the way CloudWatch does: strictly."""

import json
from collections import defaultdict


def read_metrics(text: str) -> dict[str, list[float]]:
    """Return every metric's values in all the lines; errors as ``Errors/<code>``."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for line in text.splitlines():
        assert line.startswith('{"_aws":'), line[:80]
        document = json.loads(line)
        about = document["_aws"]
        assert isinstance(about["Timestamp"], int)
        for directive in about["CloudWatchMetrics"]:
            assert directive["Namespace"]
            assert len(directive["Metrics"]) <= 100
            (dimensions,) = directive["Dimensions"]
            assert len(dimensions) <= 30
            assert all(isinstance(document[name], str) for name in dimensions)
            for metric in directive["Metrics"]:
                assert metric["Unit"] in {"Count", "Seconds", "Milliseconds"}
                assert metric["Name"] in document, metric["Name"]
                value = document[metric["Name"]]
                values = value if isinstance(value, list) else [value]
                assert 0 < len(values) <= 100
                assert all(isinstance(one, int | float) for one in values)
                suffix = f"/{document['Code']}" if "Code" in dimensions else ""
                found[metric["Name"] + suffix] += values
    return dict(found)
