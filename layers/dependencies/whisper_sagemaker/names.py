# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Names that follow from their content, so that every step may be run twice."""

import hashlib
import json
import re
from typing import Any

MAX_NAME = 63
"""SageMaker's limit for models, endpoint configs and endpoints, in characters."""

_PATTERN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")

_DIGEST = 12
_HASH = re.compile(f"[0-9a-f]{{{_DIGEST}}}")
_BASE = MAX_NAME - _DIGEST - 1


def is_valid(name: str) -> bool:
    """Tell whether SageMaker takes the name for an endpoint, a model or an endpoint config."""
    return len(name) <= MAX_NAME and _PATTERN.fullmatch(name) is not None


def digest(request: Any) -> str:
    """Return the SHA-256 of a request's canonical JSON, whatever its key order: 64 hex digits."""
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def base(endpoint_name: str) -> str:
    """Return what the names of an endpoint's models and configs begin with.

    At most 50 characters, never ending in a hyphen.
    """
    return endpoint_name[:_BASE].rstrip("-")


def content_name(endpoint_name: str, request: Any) -> str:
    """Name of a model or endpoint config: the endpoint's, shortened, and a hash.

    Parameters
    ----------
    endpoint_name : str
        Hashed whole, so that two endpoints never share a model that one of them would delete.
    request : Any
        The whole request but for the name itself and the tags.
    """
    return f"{base(endpoint_name)}-{digest([endpoint_name, request])[:_DIGEST]}"


def is_content_name(name: str, endpoint_name: str) -> bool:
    """Tell whether a name has the form that `content_name` gives to what is an endpoint's."""
    start = f"{base(endpoint_name)}-"
    return name.startswith(start) and _HASH.fullmatch(name.removeprefix(start)) is not None


def archive_home(stack_id: str) -> str:
    """Return the prefix of a stack's archives, as the template gives it, in whatever bucket."""
    _, stack_name, uuid = stack_id.split("/")[:3]
    return f"whisper-sagemaker/{stack_name}-{uuid}/"


def generated_endpoint_name(stack_id: str) -> str:
    """Name of the endpoint of a stack that was given none: ``whisper-<stack, shortened>-<8 hex>``.

    Parameters
    ----------
    stack_id : str
        The stack's ARN, ``arn:…:stack/<name>/<uuid>``.
    """
    _, stack_name, uuid = stack_id.split("/")[:3]
    return f"whisper-{stack_name[:32].rstrip('-')}-{uuid[:8]}"
