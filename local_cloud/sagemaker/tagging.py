# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The Resource Groups Tagging API for SageMaker's tags.

It is eventually consistent: new tags appear, and deleted resources disappear, after a
lag.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from local_cloud.service import ApiAnswer, ApiRequest, Service, ServiceError

LAG_SECONDS = 2.0
"""Its lag here; AWS guarantees none."""

_MOST_PER_PAGE = 100


class TaggingError(ServiceError):
    """An error response of the Tagging API."""

    code = "InvalidParameterException"


class TaggingApi(Service):
    """The API of one account and Region; `lag` is in seconds."""

    title = "Resource Groups Tagging API"
    service = "resourcegroupstaggingapi"
    refusal = TaggingError

    def __init__(self, clock: Callable[[], float] = time.time, lag: float = LAG_SECONDS) -> None:
        super().__init__()
        self._clock = clock
        self._lag = lag
        self._known: dict[str, dict[str, str]] = {}
        self._to_come: deque[tuple[float, str, dict[str, str]]] = deque()

    def note(self, arn: str, tags: Mapping[str, str]) -> None:
        """Record a resource's tags, visible after the lag; none means deleted."""
        with self._lock:
            self._to_come.append((self._clock() + self._lag, arn, dict(tags)))

    def _get_resources(self, request: ApiRequest) -> ApiAnswer:
        while self._to_come and self._to_come[0][0] <= self._clock():
            _, arn, tags = self._to_come.popleft()
            self._known[arn] = tags
            if not tags:
                del self._known[arn]
        found = [
            {"ResourceARN": arn, "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}
            for arn, tags in sorted(self._known.items())
            if _is_of_types(arn, request) and _has_tags(tags, request)
        ]
        most = request.get("ResourcesPerPage", _MOST_PER_PAGE)
        if not 1 <= most <= _MOST_PER_PAGE:
            raise TaggingError(f"ResourcesPerPage must be between 1 and {_MOST_PER_PAGE}")
        start = int(request.get("PaginationToken") or 0)
        end = start + most
        token = str(end) if end < len(found) else ""
        return {"ResourceTagMappingList": found[start:end], "PaginationToken": token}


def _is_of_types(arn: str, request: ApiRequest) -> bool:
    """Return whether an ARN is of a requested type, such as ``sagemaker:model``."""
    wanted = request.get("ResourceTypeFilters")
    _, _, service, _, _, resource = arn.split(":", 5)
    kind = f"{service}:{resource.partition('/')[0]}"
    return not wanted or service in wanted or kind in wanted


def _has_tags(tags: Mapping[str, str], request: ApiRequest) -> bool:
    filters: list[dict[str, Any]] = request.get("TagFilters", [])
    return all(
        item["Key"] in tags and (not item.get("Values") or tags[item["Key"]] in item["Values"])
        for item in filters
    )
