# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Clients and settings that the flow's tasks use."""

from dataclasses import dataclass
from typing import Any

from recordings.settings import RecordingSettings
from recordings.table import JobTable


@dataclass(frozen=True)
class FlowServices:
    """The services of one deployment.

    Attributes
    ----------
    s3, runtime : S3 and SageMaker Runtime clients
    """

    s3: Any
    runtime: Any
    table: JobTable
    settings: RecordingSettings
