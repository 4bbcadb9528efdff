# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The deployer's own metrics, as lines that CloudWatch reads out of the function's log."""

import json
import sys
import time

NAMESPACE = "WhisperDeployment"

FAILURES = "Failures"
"""Deployments and renewals that failed."""

LIFE_LEFT = "ArchiveLifeLeft"
"""Percent of its life that the object of the archive has left that expires first."""


def put(stack_id: str, name: str, value: float, unit: str) -> None:
    """Write one value, with the stack's name as its dimension.

    Parameters
    ----------
    stack_id : str
        The stack's ARN.
    unit : str
        CloudWatch's, such as ``Count``.
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Stack"]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    document = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        "Stack": stack_id.split("/")[1],
        name: value,
    }
    # Bare, because CloudWatch skips what a logger puts before it.
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
