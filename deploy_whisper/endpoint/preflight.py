# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Checks made before gigabytes are staged: problems that would stop the endpoint later."""

import difflib
import logging
from collections.abc import Collection, Mapping
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.endpoint.instances import gpu_count, is_unknown_type
from deploy_whisper.settings import EndpointSize, endpoint_name
from whisper_sagemaker import names
from whisper_sagemaker.endpoints import STACK_TAG, VARIANT, StackEndpoint
from whisper_sagemaker.errors import InvalidProperty, NotOurs, QuotaTooLow

log = logging.getLogger(__name__)

_QUOTA = " for endpoint usage"
# Types whose GPUs (K80, V100, T4) lack bfloat16.
_BEFORE_AMPERE = ("ml.p2.", "ml.p3.", "ml.p3dn.", "ml.g4dn.")
# Only these sizes have Cantonese; all multilingual sizes have the other languages.
_CANTONESE, _HAVE_CANTONESE = "yue", frozenset({"large", "large-v3", "large-v3-turbo"})


def refuse_in_advance(event: CloudFormationEvent) -> None:
    """Raise an error for a request whose endpoint SageMaker would refuse.

    Rollbacks are never refused: their target has worked before.

    Raises
    ------
    InvalidProperty, NotOurs, QuotaTooLow
    """
    wanted = EndpointSize.from_properties(event.properties)
    is_update = event.request_type == "Update"
    if wanted is None or (is_update and event.is_rolling_back()):
        return
    _require_image_of(event.region, event.properties.get("ImageUri", ""))
    _require_computing(event.properties.get("ComputeType", ""), wanted.instance_types)
    _require_languages(event.properties)
    # In an update, the endpoint may be the one of Live Call Analytics' own stack.
    if not is_update and event.stack_status() == "CREATE_IN_PROGRESS":
        _require_free_name(event)
    if not is_update or wanted != EndpointSize.from_properties(event.old_properties):
        _require_quota(event, wanted)


def _require_image_of(region: str, image_uri: str) -> None:
    """Refuse an image in another Region, which SageMaker does not pull."""
    parts = image_uri.split(".")
    if image_uri and parts[3:4] != [region]:
        raise InvalidProperty("ImageUri", image_uri, f"an image in this stack's Region, {region}")


def _require_computing(compute_type: str, kinds: Collection[str]) -> None:
    """Refuse a compute type that CTranslate2 does not support on one of the instance types."""
    for kind in kinds:
        if not gpu_count(kind):
            can_not, instead = {"float16", "int8_float16"}, "int8 or float32"
        else:
            is_old = kind.startswith(_BEFORE_AMPERE)
            can_not = {"int16", *(("bfloat16", "int8_bfloat16") if is_old else ())}
            instead = "float16 or int8_float16"
        if compute_type in can_not:
            remedy = f"{instead}, which {kind} supports, or empty"
            raise InvalidProperty("ComputeType", compute_type, remedy)


def _require_languages(properties: Mapping[str, str]) -> None:
    """Refuse a language that Whisper has, but not in the requested size."""
    size = properties.get("ModelSize", "")
    if properties.get("ModelS3Uri") or not size or size in _HAVE_CANTONESE:
        return
    for parameter in ("LanguageOverride", "AllowedLanguages"):
        given = properties.get(parameter, "")
        if _CANTONESE in given.replace(",", " ").split():
            remedy = (
                f"without {_CANTONESE}, which {size} does not have, unless WhisperModelSize is "
                "large-v3 or large-v3-turbo"
            )
            raise InvalidProperty(parameter, given, remedy)


def _require_free_name(event: CloudFormationEvent) -> None:
    name = endpoint_name(event)
    if not names.is_valid(name):  # the deployment reports the problem
        return
    endpoint = StackEndpoint(boto3.client("sagemaker"), name, event.stack_id)
    state = endpoint.describe()
    if state is None:
        endpoint.require_undeclared()
    elif not endpoint.owns(state):
        raise NotOurs(endpoint.taken_message())


def _require_quota(event: CloudFormationEvent, wanted: EndpointSize) -> None:
    """Refuse if no type has enough quota; unknown quotas are left for SageMaker to check."""
    try:
        quotas = _quotas_of(wanted.instance_types)
    except (BotoCoreError, ClientError) as error:
        log.info("the quotas are not known in advance: %s", error)
        return
    for number, kind in enumerate(wanted.instance_types):
        if kind not in quotas:
            parameter = "FallbackInstanceTypes" if number else "SageMakerInstanceType"
            _require_possible(event, parameter, kind)
    allowed = {kind: quotas.get(kind, wanted.instance_count) for kind in wanted.instance_types}
    if max(allowed.values()) < wanted.instance_count:
        first = wanted.instance_types[0]
        raise QuotaTooLow(first + _QUOTA, wanted.instance_count, allowed[first])


def _require_possible(event: CloudFormationEvent, parameter: str, kind: str) -> None:
    """Refuse a type that neither Service Quotas nor the SDK knows.

    Very new types may be missing in both, so SageMaker is asked if the whole family is unknown.
    """
    model = botocore.session.get_session().get_service_model("sagemaker")
    known = model.shape_for("ProductionVariantInstanceType").enum
    family = kind.rpartition(".")[0] + "."
    sizes = [item for item in known if item.startswith(family)]
    if kind not in known and (sizes or not _is_known_to_sagemaker(event, kind)):
        alike = " or ".join(sorted(difflib.get_close_matches(kind, sizes or known, 2, 0)))
        remedy = f"a type that SageMaker has, such as {alike}"
        raise InvalidProperty(parameter, kind, remedy)


def _is_known_to_sagemaker(event: CloudFormationEvent, kind: str) -> bool:
    """Try a config with a model that does not exist: SageMaker checks the type first."""
    variant = {"VariantName": VARIANT, "InstanceType": kind, "InitialInstanceCount": 1}
    nothing = names.content_name(names.generated_endpoint_name(event.stack_id), variant)
    try:
        boto3.client("sagemaker").create_endpoint_config(
            EndpointConfigName=nothing,
            ProductionVariants=[{**variant, "ModelName": nothing}],
            Tags=[{"Key": STACK_TAG, "Value": event.stack_id}],
        )
    except ClientError as error:
        return not is_unknown_type(error, kind)
    return True


def _quotas_of(kinds: Collection[str]) -> Mapping[str, int]:
    """Return the quotas of instance types, from the full list: there is no look-up by name."""
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
