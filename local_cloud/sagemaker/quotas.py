# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Service Quotas, for SageMaker endpoints only."""

from functools import cache

import botocore.session

from local_cloud.service import ApiAnswer, ApiRequest, Service, ServiceError

DEFAULT_QUOTA = 100
"""Instances of each type; AWS's own default is 0 for most types with a GPU."""

_PAGE = 100


class ServiceQuotas(Service):
    """The account's endpoint instance quotas per type; `quotas` can be set."""

    title = "Service Quotas"
    service = "service-quotas"

    def __init__(self) -> None:
        super().__init__()
        self.quotas = dict.fromkeys(sorted(instance_types()), DEFAULT_QUOTA)

    def _list_service_quotas(self, request: ApiRequest) -> ApiAnswer:
        if request["ServiceCode"] != "sagemaker":
            raise ServiceError("The local cloud knows SageMaker's quotas alone.")
        begin = int(request.get("NextToken") or 0)
        found = [
            {"ServiceCode": "sagemaker", "QuotaName": quota_name(kind), "Value": float(value)}
            for kind, value in self.quotas.items()
        ]
        rest = {"NextToken": str(begin + _PAGE)} if begin + _PAGE < len(found) else {}
        return {"Quotas": found[begin : begin + _PAGE], **rest}


def quota_name(instance_type: str) -> str:
    """Return the quota name of an instance type."""
    return f"{instance_type} for endpoint usage"


@cache
def instance_types() -> frozenset[str]:
    """Return the instance types in the installed SDK's model of SageMaker."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return frozenset(model.shape_for("ProductionVariantInstanceType").enum)
