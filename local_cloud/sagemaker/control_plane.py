# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SageMaker's control plane, with states: models, endpoint configs, endpoints, tags.

moto's lacks updates, is in service at once and ignores what is in use. Error messages are the
service's, because callers can only distinguish errors by them.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from local_cloud import ACCOUNT_ID
from local_cloud.sagemaker.hosting import Container, Health, Hosting
from local_cloud.sagemaker.quotas import ServiceQuotas, instance_types, quota_name
from local_cloud.sagemaker.scaling import ApplicationAutoScaling
from local_cloud.sagemaker.tagging import TaggingApi
from local_cloud.service import ApiAnswer, ApiRequest, Service, ServiceError

if TYPE_CHECKING:
    from local_cloud.sagemaker.permissions import RolePolicies

_MOST_PER_PAGE = 100
_PER_PAGE = 10
_MOST_TAGS = 50


class ValidationException(ServiceError):
    """SageMaker's error for invalid requests (HTTP 400)."""


@dataclass
class Endpoint:
    """An endpoint: it serves ``config`` and is moving to ``target``, run by ``starting``."""

    name: str
    arn: str
    status: str
    config: str
    target: str
    created: float
    failure_reason: str = ""
    serving: Container | None = None
    starting: Container | None = None
    stopping: list[Container] = field(default_factory=list)
    instance_count: int = 1
    retain: bool = False


@dataclass
class _Kind:
    """SageMaker's API names for one kind of resource."""

    word: str
    noun: str
    arn_part: str
    items: dict[str, ApiRequest] = field(default_factory=dict)


class SageMaker(Service):
    """The control plane of one account and Region.

    Its endpoints may be targets of `scaling`; `tagging` receives all tags. An asynchronous
    endpoint's role must be one of `roles`, with permission to publish to its topics.
    """

    title = "SageMaker"
    service = "sagemaker"
    refusal = ValidationException

    def __init__(
        self,
        hosting: Hosting,
        region: str,
        clock: Callable[[], float] = time.time,
        scaling: ApplicationAutoScaling | None = None,
        tagging: TaggingApi | None = None,
        quotas: ServiceQuotas | None = None,
    ) -> None:
        super().__init__()
        self.roles: RolePolicies | None = None
        self._tagging = tagging or TaggingApi(clock)
        self._quotas = quotas or ServiceQuotas()
        self._scaling = scaling or ApplicationAutoScaling(region)
        self._hosting = hosting
        self._region = region
        self._clock = clock
        self._kinds = {
            "Model": _Kind("Model", "model", "model"),
            "EndpointConfig": _Kind("EndpointConfig", "endpoint configuration", "endpoint-config"),
        }
        self._tags: dict[str, dict[str, str]] = {}
        self.endpoints: dict[str, Endpoint] = {}
        for word, kind in self._kinds.items():
            self._operations[f"Create{word}"] = partial(self._create, kind)
            self._operations[f"Describe{word}"] = partial(self._describe, kind)
            self._operations[f"Delete{word}"] = partial(self._delete, kind)
            self._operations[f"List{word}s"] = partial(self._list, kind)

    def handle(self, operation: str, request: ApiRequest) -> ApiAnswer:
        """Execute one API call, after updating states."""
        with self._lock:
            self._progress()
            return super().handle(operation, request)

    def serving_address(self, endpoint_name: str) -> str:
        """Return a container's address; raises ValidationException if there is none."""
        with self._lock:
            endpoint = self._served(endpoint_name)
            assert endpoint.serving
            return self._hosting.address(endpoint.serving)

    def queue_of(self, endpoint_name: str) -> ApiRequest:
        """Return an endpoint's ``AsyncInferenceConfig``, empty if it is synchronous.

        Raises ValidationException if there is no such endpoint.
        """
        with self._lock:
            config = self._kinds["EndpointConfig"].items.get(self._served(endpoint_name).config, {})
            found: ApiRequest = config.get("AsyncInferenceConfig", {})
            return found

    def instance_count(self, endpoint_name: str) -> int:
        """Return an endpoint's number of instances; raises ValidationException if unknown."""
        with self._lock:
            return self._served(endpoint_name).instance_count

    def _served(self, endpoint_name: str) -> Endpoint:
        self._progress()
        endpoint = self.endpoints.get(endpoint_name)
        if endpoint is None or not endpoint.serving or endpoint.status == "Deleting":
            raise ValidationException(
                f"Endpoint {endpoint_name} of account {ACCOUNT_ID} not found."
            )
        return endpoint

    def counts(self) -> dict[str, int]:
        """Return the numbers of models, endpoint configs and endpoints."""
        with self._lock:
            self._progress()
            return {
                "SageMaker models": len(self._kinds["Model"].items),
                "SageMaker endpoint configs": len(self._kinds["EndpointConfig"].items),
                "SageMaker endpoints": len(self.endpoints),
            }

    def _create(self, kind: _Kind, request: ApiRequest) -> ApiAnswer:
        name = request[f"{kind.word}Name"]
        arn = self._new_arn(kind.noun, kind.arn_part, name, kind.items)
        if kind.word == "EndpointConfig":
            self._check_variants(request["ProductionVariants"])
        elif not _model_data_uri(request.get("PrimaryContainer", {})):
            raise ValidationException(
                "The local cloud runs models of one PrimaryContainer whose data is in S3: "
                "give it a ModelDataSource or a ModelDataUrl."
            )
        kind.items[name] = {**request, f"{kind.word}Arn": arn, "CreationTime": self._clock()}
        self._set_tags(arn, _tag_dict(request))
        return {f"{kind.word}Arn": arn}

    def _describe(self, kind: _Kind, request: ApiRequest) -> ApiAnswer:
        return {**self._item(kind, request[f"{kind.word}Name"])}

    def _delete(self, kind: _Kind, request: ApiRequest) -> ApiAnswer:
        name = request[f"{kind.word}Name"]
        self._set_tags(self._item(kind, name)[f"{kind.word}Arn"], {}, is_gone=True)
        del kind.items[name]
        return {}

    def _list(self, kind: _Kind, request: ApiRequest) -> ApiAnswer:
        return _page(f"{kind.word}s", kind.items, request, lambda item: item)

    def _create_endpoint(self, request: ApiRequest) -> ApiAnswer:
        name = request["EndpointName"]
        config = request["EndpointConfigName"]
        arn = self._new_arn("endpoint", "endpoint", name, self.endpoints)
        container = self._container(name, config)
        self._require_quota(config, self._initial_count(config))
        self.endpoints[name] = Endpoint(
            name, arn, "Creating", config, config, self._clock(), starting=container
        )
        self._count_instances(self.endpoints[name])
        self._set_tags(arn, _tag_dict(request))
        self._hosting.start(container)
        return {"EndpointArn": arn}

    def _describe_endpoint(self, request: ApiRequest) -> ApiAnswer:
        return _endpoint_fields(self._endpoint(request["EndpointName"]))

    def _update_endpoint(self, request: ApiRequest) -> ApiAnswer:
        endpoint = self._endpoint(request["EndpointName"])
        self._refuse_in_progress(endpoint, "update")
        if endpoint.status == "Failed":
            raise ValidationException(f'Cannot update failed endpoint "{endpoint.arn}".')
        target = request["EndpointConfigName"]
        if target == endpoint.config:
            raise ValidationException("Cannot update endpoint to its present configuration.")
        container = self._container(endpoint.name, target)
        self._check_way(endpoint, request)
        is_kept = bool(request.get("RetainAllVariantProperties"))
        count = endpoint.instance_count if is_kept else self._initial_count(target)
        self._require_quota(target, 1 if "RollingUpdatePolicy" in str(request) else count)
        endpoint.starting = container
        endpoint.status, endpoint.target, endpoint.failure_reason = "Updating", target, ""
        endpoint.retain = is_kept
        self._hosting.start(endpoint.starting)
        return {"EndpointArn": endpoint.arn}

    def _update_endpoint_weights_and_capacities(self, request: ApiRequest) -> ApiAnswer:
        """Change the number of instances, immediately."""
        endpoint = self._endpoint(request["EndpointName"])
        self._refuse_in_progress(endpoint, "update")
        for wanted in request["DesiredWeightsAndCapacities"]:
            count = wanted.get("DesiredInstanceCount", endpoint.instance_count)
            if not count and not self.queue_of(endpoint.name):
                raise ValidationException("DesiredInstanceCount of a real-time endpoint is 0.")
            endpoint.instance_count = count
        return {"EndpointArn": endpoint.arn}

    def _check_way(self, endpoint: Endpoint, request: ApiRequest) -> None:
        """Refuse updates that SageMaker refuses regardless of the target."""
        old, new = self._types(endpoint.config), self._types(request["EndpointConfigName"])
        if old and old != new and self._scaling.is_registered(endpoint.name):
            raise ValidationException(
                f"The instance type of variant AllTraffic of {endpoint.arn} cannot be changed "
                "while it has a scalable target: deregister it from automatic scaling first."
            )
        way = request.get("DeploymentConfig", {})
        traffic = way.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
        is_gradual = "RollingUpdatePolicy" in way or traffic.get("Type") == "CANARY"
        if is_gradual and endpoint.instance_count < 2:
            raise ValidationException("A gradual update needs at least two instances.")

    def _types(self, config_name: str) -> list[str]:
        config = self._kinds["EndpointConfig"].items.get(config_name, {})
        return [kind for item in config.get("ProductionVariants", []) for kind in _pools(item)]

    def _delete_endpoint(self, request: ApiRequest) -> ApiAnswer:
        endpoint = self._endpoint(request["EndpointName"])
        self._refuse_in_progress(endpoint, "delete")
        endpoint.status = "Deleting"
        for container in (endpoint.serving, endpoint.starting):
            if container:
                self._hosting.stop(container)
        return {}

    def _list_endpoints(self, request: ApiRequest) -> ApiAnswer:
        return _page("Endpoints", self.endpoints, request, _endpoint_fields)

    def _add_tags(self, request: ApiRequest) -> ApiAnswer:
        self._set_tags(request["ResourceArn"], {**self._tags_of(request), **_tag_dict(request)})
        return self._list_tags(request)

    def _delete_tags(self, request: ApiRequest) -> ApiAnswer:
        tags = self._tags_of(request)
        kept = {key: tags[key] for key in tags if key not in request["TagKeys"]}
        self._set_tags(request["ResourceArn"], kept)
        return {}

    def _list_tags(self, request: ApiRequest) -> ApiAnswer:
        tags = self._tags_of(request)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _tags_of(self, request: ApiRequest) -> dict[str, str]:
        arn = request["ResourceArn"]
        if arn not in self._tags:
            raise ValidationException(f"Could not find {arn}")
        return self._tags[arn]

    def _set_tags(self, arn: str, tags: dict[str, str], *, is_gone: bool = False) -> None:
        if len(tags) > _MOST_TAGS:
            raise ValidationException(f"The resource {arn} would have more than {_MOST_TAGS} tags.")
        if is_gone:
            self._tags.pop(arn, None)
        else:
            self._tags[arn] = tags
        self._tagging.note(arn, tags)

    def _progress(self) -> None:
        """Update the state of every endpoint."""
        for endpoint in list(self.endpoints.values()):
            if endpoint.status == "Deleting":
                self._progress_deleting(endpoint)
            elif endpoint.starting:
                self._progress_starting(endpoint, endpoint.starting)

    def _progress_deleting(self, endpoint: Endpoint) -> None:
        containers = filter(None, (endpoint.serving, endpoint.starting, *endpoint.stopping))
        if all(self._hosting.is_stopped(container) for container in containers):
            del self.endpoints[endpoint.name]
            self._set_tags(endpoint.arn, {}, is_gone=True)
            self._scaling.forget(endpoint.name)

    def _progress_starting(self, endpoint: Endpoint, container: Container) -> None:
        health, reason = self._hosting.health(container)
        if health is Health.STARTING:
            return
        endpoint.starting = None
        if health is Health.FAILED:
            self._hosting.stop(container)
            endpoint.stopping.append(container)
            endpoint.failure_reason, endpoint.target = reason, endpoint.config
            endpoint.status = "InService" if endpoint.serving else "Failed"
            return
        previous, endpoint.serving = endpoint.serving, container
        endpoint.status, endpoint.config = "InService", endpoint.target
        if not endpoint.retain:
            self._count_instances(endpoint)
        if previous:
            self._hosting.stop(previous)
            endpoint.stopping.append(previous)

    def _container(self, endpoint_name: str, config_name: str) -> Container:
        config = self._item(self._kinds["EndpointConfig"], config_name)
        variant = config["ProductionVariants"][0]
        model = self._item(self._kinds["Model"], variant["ModelName"])
        if self.roles and "AsyncInferenceConfig" in config:
            self.roles.require_topics(model["ExecutionRoleArn"], config["AsyncInferenceConfig"])
        primary = model["PrimaryContainer"]
        return Container(
            name=f"{endpoint_name}/{config_name}",
            model_data_uri=_model_data_uri(primary),
            environment=primary.get("Environment", {}),
            startup_seconds=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", 600),
        )

    def _count_instances(self, endpoint: Endpoint) -> None:
        endpoint.instance_count = self._initial_count(endpoint.target)

    def _initial_count(self, config_name: str) -> int:
        config = self._kinds["EndpointConfig"].items[config_name]
        return int(config["ProductionVariants"][0]["InitialInstanceCount"])

    def _require_quota(self, config_name: str, count: int) -> None:
        """Require quota for additional instances of one of a config's types."""
        kinds = self._types(config_name)
        if any(self._used(kind) + count <= self._quotas.quotas[kind] for kind in kinds):
            return
        raise ValidationException(
            f"The account-level service limit '{quota_name(kinds[0])}' is "
            f"{self._quotas.quotas[kinds[0]]} Instances, with current utilization of "
            f"{self._used(kinds[0])} Instances and a request delta of {count} Instances. Please "
            "use AWS Service Quotas to request an increase for this quota.",
            "ResourceLimitExceeded",
        )

    def _used(self, kind: str) -> int:
        """Return the running instances of a type, counting each config's first type."""
        return sum(
            endpoint.instance_count
            for endpoint in self.endpoints.values()
            if endpoint.serving and self._types(endpoint.config)[:1] == [kind]
        )

    def _check_variants(self, variants: list[ApiRequest]) -> None:
        for kind in (kind for variant in variants for kind in _pools(variant)):
            if kind not in instance_types():
                raise ValidationException(
                    f"1 validation error detected: Value '{kind}' at "
                    "'productionVariants.1.member.instanceType' failed to satisfy constraint: "
                    "Member must satisfy enum value set"
                )
        for variant in variants:
            self._item(self._kinds["Model"], variant["ModelName"])

    def _endpoint(self, name: str) -> Endpoint:
        if name not in self.endpoints:
            raise ValidationException(f'Could not find endpoint "{self._arn("endpoint", name)}".')
        return self.endpoints[name]

    def _refuse_in_progress(self, endpoint: Endpoint, verb: str) -> None:
        if endpoint.status not in {"InService", "Failed", "OutOfService"}:
            raise ValidationException(f'Cannot {verb} in-progress endpoint "{endpoint.arn}".')

    def _item(self, kind: _Kind, name: str) -> ApiRequest:
        if name not in kind.items:
            arn = self._arn(kind.arn_part, name)
            raise ValidationException(f'Could not find {kind.noun} "{arn}".')
        return kind.items[name]

    def _new_arn(self, noun: str, part: str, name: str, taken: Collection[str]) -> str:
        arn = self._arn(part, name)
        if name in taken:
            raise ValidationException(f'Cannot create already existing {noun} "{arn}".')
        return arn

    def _arn(self, part: str, name: str) -> str:
        return f"arn:aws:sagemaker:{self._region}:{ACCOUNT_ID}:{part}/{name.lower()}"


def _model_data_uri(container: ApiRequest) -> str:
    """Return a container's model data: a prefix, or a ``.tar.gz`` from ``ModelDataUrl``."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    return str(source.get("S3Uri") or container.get("ModelDataUrl", ""))


def _page(
    key: str,
    items: dict[str, Any],
    request: ApiRequest,
    fields: Callable[[Any], ApiAnswer],
) -> ApiAnswer:
    """Return a page, newest first, SageMaker's default order."""
    most = request.get("MaxResults", _PER_PAGE)
    if not 1 <= most <= _MOST_PER_PAGE:
        raise ValidationException(f"MaxResults must be between 1 and {_MOST_PER_PAGE}")
    wanted = request.get("NameContains", "")
    found = [name for name in reversed(items) if wanted in name]
    start = int(request.get("NextToken") or 0)
    end = start + most
    more = {"NextToken": str(end)} if end < len(found) else {}
    return {key: [fields(items[name]) for name in found[start:end]], **more}


def _pools(variant: ApiRequest) -> list[str]:
    """Return a variant's instance types, most preferred first."""
    if "InstanceType" in variant:
        return [variant["InstanceType"]]
    if "InstancePools" not in variant:
        raise ValidationException(
            "The local cloud's variants run on instances: give each an InstanceType."
        )
    pools = sorted(variant["InstancePools"], key=lambda pool: int(pool["Priority"]))
    return [pool["InstanceType"] for pool in pools]


def _tag_dict(request: ApiRequest) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}


def _endpoint_fields(endpoint: Endpoint) -> ApiAnswer:
    count = endpoint.instance_count
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config,
        "EndpointStatus": endpoint.status,
        **({"FailureReason": endpoint.failure_reason} if endpoint.failure_reason else {}),
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.created,
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "CurrentInstanceCount": count,
                "DesiredInstanceCount": count,
            }
        ],
    }
