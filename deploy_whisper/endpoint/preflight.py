# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What would stop the endpoint and can be known before gigabytes are staged for it."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy_whisper.requests import CloudFormationEvent
from deploy_whisper.settings import EndpointSize, endpoint_name
from whisper_sagemaker import names
from whisper_sagemaker.endpoints import StackEndpoint
from whisper_sagemaker.errors import NotOurs, QuotaTooLow

log = logging.getLogger(__name__)

_QUOTA = " for endpoint usage"


def refuse_in_advance(event: CloudFormationEvent) -> None:
    """Refuse a request whose endpoint SageMaker would refuse.

    A roll-back is never refused: what it goes back to has been there.

    Raises
    ------
    InvalidProperty, NotOurs, QuotaTooLow
    """
    wanted = EndpointSize.from_properties(event.properties)
    if wanted is None:
        return
    if event.request_type == "Create":
        # In an update, Live Call Analytics' own stack may be the one that the endpoint is of.
        if event.stack_status() == "CREATE_IN_PROGRESS":
            _require_free_name(event)
    elif wanted == EndpointSize.from_properties(event.old_properties) or event.is_rolling_back():
        return
    _require_quota(wanted)


def _require_free_name(event: CloudFormationEvent) -> None:
    name = endpoint_name(event)
    if not names.is_valid(name):  # the deployment says what is wrong with it
        return
    endpoint = StackEndpoint(boto3.client("sagemaker"), name, event.stack_id)
    state = endpoint.describe()
    if state and not endpoint.owns(state):
        raise NotOurs(endpoint.taken_message())


def _require_quota(wanted: EndpointSize) -> None:
    """Refuse if no type has quota; what Service Quotas does not tell, SageMaker will."""
    try:
        quotas = _quotas_of(wanted.instance_types)
    except (BotoCoreError, ClientError) as error:
        log.info("the quotas are not known in advance: %s", error)
        return
    allowed = {kind: quotas.get(kind, wanted.instance_count) for kind in wanted.instance_types}
    if max(allowed.values()) < wanted.instance_count:
        first = wanted.instance_types[0]
        raise QuotaTooLow(first + _QUOTA, wanted.instance_count, allowed[first])


def _quotas_of(kinds: Collection[str]) -> Mapping[str, int]:
    """Return the quotas of instance types that are listed: they cannot be asked for by name."""
    found: dict[str, int] = {}
    client: Any = boto3.client("service-quotas")
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    for quota in (item for page in pages for item in page["Quotas"]):
        kind, is_endpoint_usage, _ = quota["QuotaName"].partition(_QUOTA)
        if is_endpoint_usage and kind in kinds:
            found[kind] = int(quota["Value"])
            if len(found) == len(set(kinds)):
                break
    return found
