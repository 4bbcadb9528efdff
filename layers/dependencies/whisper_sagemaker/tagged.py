# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Finds resources by a stack's tag, with no more calls than their number requires."""

from typing import Any

from whisper_sagemaker import names
from whisper_sagemaker.endpoints import ENDPOINT_TAG, STACK_TAG

_TYPES = ("sagemaker:endpoint", "sagemaker:endpoint-config", "sagemaker:model")


def endpoints_of(tagging: Any, stack_id: str) -> set[str]:
    """Return the names of all endpoints of which any resource has a stack's tag.

    Parameters
    ----------
    tagging : boto3 client of the Resource Groups Tagging API
        Eventually consistent: resources created a moment ago may be missing, and deleted ones may
        still be listed.
    """
    pages = tagging.get_paginator("get_resources").paginate(
        TagFilters=[{"Key": STACK_TAG, "Values": [stack_id]}], ResourceTypeFilters=list(_TYPES)
    )
    found = (item["Tags"] for page in pages for item in page["ResourceTagMappingList"])
    tagged = {tag["Value"] for tags in found for tag in tags if tag["Key"] == ENDPOINT_TAG}
    return set(filter(names.is_valid, tagged))
