# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The stack's own tags, by which costs are told apart, on what CloudFormation does not tag.

CloudFormation gives a stack's tags to the resources that it makes itself, and not to what a custom
resource makes: so they are copied. Which tags were copied is remembered, so that one which the
stack loses is removed, and one that somebody has put by hand stays.
"""

import base64
import hashlib
import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)

COPIED_TAG = "whisper-sagemaker:copied"
"""Holds a fingerprint of each key that was copied: keys themselves would not fit into a tag."""

MOST = 35
"""Tags that are copied at most: SageMaker takes 50, and our own need up to 15."""

_RESERVED = ("aws:", "whisper-sagemaker:")
_BYTES, _CHARACTERS = 3, 4  # of a fingerprint, and of its base64


def copied(stack_tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that a resource is to have of its stack's, with what remembers them."""
    keys = sorted(key for key in stack_tags if not key.startswith(_RESERVED))
    if len(keys) > MOST:
        log.warning("the endpoint gets %d of the stack's tags, not: %s", MOST, keys[MOST:])
    found = {key: stack_tags[key] for key in keys[:MOST]}
    return {**found, COPIED_TAG: "".join(map(_fingerprint, found))} if found else {}


def changes(
    current: Mapping[str, str], stack_tags: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return what to write on a resource, and the keys to remove from it.

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
