# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What in the account carries a stack's tag, in a number of calls that depends on that alone."""

from typing import Any

from whisper_sagemaker import names
from whisper_sagemaker.endpoints import ENDPOINT_TAG, STACK_TAG

_TYPES = ("sagemaker:endpoint", "sagemaker:endpoint-config", "sagemaker:model")


def endpoints_of(tagging: Any, stack_id: str) -> set[str]:
    """Return the names of all endpoints of which anything is left that carries a stack's tag.

    Parameters
    ----------
    tagging : boto3 client of the Resource Groups Tagging API
        It finds ours among any number of others, but is eventually consistent: what was made a
        moment ago may be missing, and what is gone may still be there.
    """
    pages = tagging.get_paginator("get_resources").paginate(
        TagFilters=[{"Key": STACK_TAG, "Values": [stack_id]}], ResourceTypeFilters=list(_TYPES)
    )
    found = (item["Tags"] for page in pages for item in page["ResourceTagMappingList"])
    tagged = {tag["Value"] for tags in found for tag in tags if tag["Key"] == ENDPOINT_TAG}
    return set(filter(names.is_valid, tagged))
