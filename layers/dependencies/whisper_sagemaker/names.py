# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Names derived from content, which make every step idempotent."""

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
    """Return whether SageMaker allows the name for endpoints, models and endpoint configs."""
    return len(name) <= MAX_NAME and _PATTERN.fullmatch(name) is not None


def digest(request: Any) -> str:
    """Return the SHA-256 of a request's canonical JSON (sorted keys): 64 hex digits."""
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def base(endpoint_name: str) -> str:
    """Return the beginning of the names of an endpoint's models and configs.

    It has at most 50 characters and does not end in a hyphen.
    """
    return endpoint_name[:_BASE].rstrip("-")


def content_name(endpoint_name: str, request: Any) -> str:
    """Return the name of a model or endpoint config: the endpoint's, shortened, and a hash.

    Parameters
    ----------
    endpoint_name : str
        Also part of the hash, so that two endpoints never share a model that one could delete.
    request : Any
        The whole request without the name and the tags.
    """
    return f"{base(endpoint_name)}-{digest([endpoint_name, request])[:_DIGEST]}"


def is_content_name(name: str, endpoint_name: str) -> bool:
    """Return whether a name has the form of `content_name` for an endpoint."""
    start = f"{base(endpoint_name)}-"
    return name.startswith(start) and _HASH.fullmatch(name.removeprefix(start)) is not None


def archive_home(stack_id: str) -> str:
    """Return the S3 prefix of a stack's archives, as in the template; the same in any bucket."""
    _, stack_name, uuid = stack_id.split("/")[:3]
    return f"whisper-sagemaker/{stack_name}-{uuid}/"


def generated_endpoint_name(stack_id: str) -> str:
    """Return a stack's default endpoint name: ``whisper-<stack, shortened>-<8 hex>``.

    Parameters
    ----------
    stack_id : str
        The stack's ARN, ``arn:…:stack/<name>/<uuid>``.
    """
    _, stack_name, uuid = stack_id.split("/")[:3]
    return f"whisper-{stack_name[:32].rstrip('-')}-{uuid[:8]}"
