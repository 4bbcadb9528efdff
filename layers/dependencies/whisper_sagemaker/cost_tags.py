# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Copies the stack's tags, for cost allocation, to resources that CloudFormation does not tag.

CloudFormation tags the resources that it creates itself, but not those of a custom resource. The
copied keys are recorded, so that a tag removed from the stack is removed from the resource, and one
added by hand stays.
"""

import base64
import hashlib
import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)

COPIED_TAG = "whisper-sagemaker:copied"
"""Tag with a fingerprint of each copied key; the keys themselves would not fit into a tag."""

MOST = 35
"""Maximum number of copied tags: SageMaker allows 50, of which we need up to 15."""

_RESERVED = ("aws:", "whisper-sagemaker:")
_BYTES, _CHARACTERS = 3, 4  # length of a fingerprint, and of its base64


def copied(stack_tags: Mapping[str, str]) -> dict[str, str]:
    """Return the stack's tags to copy to a resource, and the tag that records their keys."""
    keys = sorted(key for key in stack_tags if not key.startswith(_RESERVED))
    if len(keys) > MOST:
        log.warning("the endpoint gets only %d of the stack's tags, without: %s", MOST, keys[MOST:])
    found = {key: stack_tags[key] for key in keys[:MOST]}
    return {**found, COPIED_TAG: "".join(map(_fingerprint, found))} if found else {}


def changes(
    current: Mapping[str, str], stack_tags: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return the tags to write to a resource, and the keys to remove from it.

    Parameters
    ----------
    current : mapping
        All tags of the resource.
    """
    wanted = copied(stack_tags)
    marks = current.get(COPIED_TAG, "")
    before = {marks[i : i + _CHARACTERS] for i in range(0, len(marks), _CHARACTERS)}
    lost = [key for key in current if key not in wanted and _fingerprint(key) in before]
    if marks and not wanted:
        lost.append(COPIED_TAG)
    return {key: value for key, value in wanted.items() if current.get(key) != value}, lost


def _fingerprint(key: str) -> str:
    return base64.b64encode(hashlib.sha256(key.encode()).digest()[:_BYTES]).decode()
