# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The deployer's metrics, as lines in the function's log from which CloudWatch extracts them."""

import json
import sys
import time

NAMESPACE = "WhisperDeployment"

FAILURES = "Failures"
"""Deployments and renewals that failed."""

LIFE_LEFT = "ArchiveLifeLeft"
"""Percent of its lifetime left for the archive's object that expires first."""


def put(stack_id: str, name: str, value: float, unit: str) -> None:
    """Write a value, with the stack's name as its dimension.

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
    # Not through a logger: CloudWatch ignores lines with a prefix.
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
