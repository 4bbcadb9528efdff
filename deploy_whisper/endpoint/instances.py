# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Properties of instance types; source: AWS's pages on EC2 instance types."""

import re
from collections.abc import Sequence

from botocore.exceptions import ClientError

from whisper_sagemaker.errors import InvalidProperty

# Types with several GPUs; all others of a GPU family count as having one.
_GPUS = {
    "g4dn.12xlarge": 4,
    "g5.12xlarge": 4,
    "g5.24xlarge": 4,
    "g5.48xlarge": 8,
    "g6.12xlarge": 4,
    "g6.24xlarge": 4,
    "g6.48xlarge": 8,
    "g6e.12xlarge": 4,
    "g6e.24xlarge": 4,
    "g6e.48xlarge": 8,
    "g7e.12xlarge": 2,
    "g7e.24xlarge": 4,
    "g7e.48xlarge": 8,
    "p2.8xlarge": 8,
    "p2.16xlarge": 16,
    "p3.8xlarge": 4,
    "p3.16xlarge": 8,
    "p4d.24xlarge": 8,
    "p4de.24xlarge": 8,
    "p5.48xlarge": 8,
    "p5e.48xlarge": 8,
    "p5en.48xlarge": 8,
    "p6-b200.48xlarge": 8,
    "p6-b300.48xlarge": 8,
    "p6e-gb200.36xlarge": 4,
}

_UNKNOWN = re.compile(r".*?Value '(ml\.[a-z0-9.-]+)' at '[^']*instanceType' failed to satisfy")
_DISKS = re.compile(r"(g|p(?!2\.|3\.))|[a-z]+\d+[a-z]*d[a-z]*\.")


def gpu_count(instance_type: str) -> int:
    """Return the number of GPUs of a type; 0 outside the families ``ml.g…`` and ``ml.p…``."""
    kind = instance_type.removeprefix("ml.")
    return _GPUS.get(kind, 1) if kind.startswith(("g", "p")) else 0


def has_own_disks(instance_type: str) -> bool:
    """Return whether a type has NVMe disks, for which SageMaker accepts no KMS key."""
    return _DISKS.match(instance_type.removeprefix("ml.")) is not None


def require_known_type(error: ClientError, instance_types: Sequence[str]) -> None:
    """Raise InvalidProperty if SageMaker's error is about an unknown instance type.

    Parameters
    ----------
    instance_types : sequence of str
        The requested types, preferred one first.

    Raises
    ------
    InvalidProperty
    """
    for number, kind in enumerate(instance_types):
        if is_unknown_type(error, kind):
            parameter = "FallbackInstanceTypes" if number else "SageMakerInstanceType"
            remedy = "a type that SageMaker has, such as ml.g5.2xlarge"
            raise InvalidProperty(parameter, kind, remedy) from error


def is_unknown_type(error: ClientError, instance_type: str) -> bool:
    """Return whether SageMaker refused an endpoint config because of an unknown type."""
    unknown = _UNKNOWN.match(error.response["Error"].get("Message", ""))
    return unknown is not None and unknown[1] == instance_type
