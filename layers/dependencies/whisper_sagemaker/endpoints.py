# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An endpoint of a stack with its models and configs, and the changes that SageMaker allows.

SageMaker has no 404: for a missing resource it returns a ``ValidationException`` whose message says
so. Everything created here has two tags: the stack that owns it, and the endpoint that it is for.
The endpoint has a third: the CloudFormation request that asked for its current target. Nothing is
deleted unless both name and tags match. Listings filter by name, and account-wide look-ups by tag,
so that the number of calls does not depend on what else is in the account.
"""

import itertools
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from whisper_sagemaker import cost_tags, names
from whisper_sagemaker.errors import NotOurs, QuotaTooLow

log = logging.getLogger(__name__)

STACK_TAG = "whisper-sagemaker:stack"
REQUEST_TAG = "whisper-sagemaker:request"
ENDPOINT_TAG = "whisper-sagemaker:endpoint"

VARIANT = "AllTraffic"
"""Name of the one production variant, in the endpoint config and in the scaling resources."""

IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})

_NONE: Mapping[str, str] = {}

_LISTED = {"EndpointConfig": "list_endpoint_configs", "Model": "list_models"}
_PER_PAGE = 100
_MOST_NAMED = 20
_MISSING = ("Could not find", "does not exist", "not found")
_LIMIT = re.compile(
    r".*'(?P<quota>[^']+)' is (?P<allowed>\d+) Instances, with current utilization of "
    r"(?P<used>\d+) Instances and a request delta of (?P<more>\d+) Instances"
)
# A role or config created seconds ago may not be visible to SageMaker yet.
_NOT_VISIBLE_YET = (
    "Could not assume role",
    "Could not find endpoint configuration",
    "Could not find model",
)


@dataclass(frozen=True)
class EndpointState:
    """SageMaker's description of an endpoint.

    Attributes
    ----------
    status : str
        SageMaker's ``EndpointStatus``.
    config_name : str
        The endpoint config that it serves or is moving to.
    failure_reason : str
        Empty unless the last operation failed.
    instance_count : int
        Instances of the running variant; 0 without one.
    """

    arn: str
    status: str
    config_name: str
    failure_reason: str
    tags: dict[str, str]
    instance_count: int = 0


def is_missing(error: ClientError) -> bool:
    """Return whether an API error says that the resource does not exist."""
    detail = error.response["Error"]
    return detail["Code"] in {"ValidationException", "ResourceNotFound"} and any(
        phrase in detail["Message"] for phrase in _MISSING
    )


def is_in_progress(error: ClientError) -> bool:
    """Return whether an API error says that the endpoint is being changed."""
    return "in-progress" in error.response["Error"]["Message"]


class StackEndpoint:
    """The endpoint `name` with those of its configs and models that `stack_id` owns.

    Parameters
    ----------
    client : boto3 SageMaker client
    stack_id : str
        ARN of the stack; the value of our tag.
    sleep : callable, optional
        Waits the given number of seconds between attempts; replaced in tests.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        stack_id: str,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._client = client
        self._sleep = sleep or time.sleep
        self._own_tags = {STACK_TAG: stack_id, ENDPOINT_TAG: name}
        self.name = name
        self.stack_id = stack_id

    def describe(self) -> EndpointState | None:
        """Return the endpoint's state, or None if it does not exist."""
        try:
            answer = self._client.describe_endpoint(EndpointName=self.name)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return EndpointState(
            arn=answer["EndpointArn"],
            status=answer["EndpointStatus"],
            config_name=answer["EndpointConfigName"],
            failure_reason=answer.get("FailureReason", ""),
            tags=_tags_of(self._client, answer["EndpointArn"]),
            instance_count=sum(
                variant.get("CurrentInstanceCount", 0)
                for variant in answer.get("ProductionVariants", [])
            ),
        )

    def owns(self, state: EndpointState) -> bool:
        """Return whether the endpoint has this stack's tag, and was not copied with its tags.

        An earlier version did not write the name into the tags. Names are case-insensitive.
        """
        is_it = state.tags.get(ENDPOINT_TAG, self.name).lower() == self.name.lower()
        return is_it and state.tags.get(STACK_TAG) == self.stack_id

    def ensure_model(self, request: dict[str, Any], tags: Mapping[str, str] = _NONE) -> str:
        """Create the model unless it exists, and return its name.

        Parameters
        ----------
        request : dict
            ``CreateModel`` without name and tags.
        tags : mapping, optional
            Tags in addition to ours.
        """
        return self._ensure("ModelName", self._client.create_model, request, tags)

    def ensure_config(self, request: dict[str, Any], tags: Mapping[str, str] = _NONE) -> str:
        """Create the endpoint config unless it exists, and return its name.

        Parameters
        ----------
        request : dict
            ``CreateEndpointConfig`` without name and tags.
        tags : mapping, optional
            Tags in addition to ours.
        """
        operation = self._client.create_endpoint_config
        return self._ensure("EndpointConfigName", operation, request, tags)

    def _ensure(
        self,
        key: str,
        operation: Callable[..., Any],
        request: dict[str, Any],
        tags: Mapping[str, str],
    ) -> str:
        name = names.content_name(self.name, request)
        self._create(operation, {**tags, ENDPOINT_TAG: self.name}, **{key: name}, **request)
        return name

    def create(
        self, config_name: str, request_id: str, more_tags: dict[str, str] | None = None
    ) -> None:
        """Start creating the endpoint, tagged with the request, the stack and `more_tags`.

        Raises
        ------
        NotOurs
            If somebody else has taken the name in the meantime.
        """
        self._create(
            self._client.create_endpoint,
            {**(more_tags or {}), ENDPOINT_TAG: self.name, REQUEST_TAG: request_id},
            EndpointName=self.name,
            EndpointConfigName=config_name,
        )
        state = self.describe()
        if state and not self.owns(state):
            raise NotOurs(self.taken_message())

    def taken_message(self) -> str:
        """Return the error message for a name that another stack or person uses."""
        return (
            f"Set EndpointName to a free name or delete the other endpoint: an endpoint called "
            f"{self.name!r} exists that this stack did not make."
        )

    def require_undeclared(self) -> None:
        """Refuse a name whose endpoint is gone while the stack that created it still exists.

        Deleting that stack would delete the scaling of any endpoint of this name, since scaling is
        identified by the name alone. Leftover configs show who owned the endpoint.

        Raises
        ------
        NotOurs
        """
        for config, arn in list(self._named_as_ours("EndpointConfig")):
            tags = _tags_of(self._client, arn)
            owner = tags.get(STACK_TAG, self.stack_id)
            if tags.get(ENDPOINT_TAG) == self.name and owner != self.stack_id:
                raise NotOurs(
                    f"Set EndpointName to a free name or delete the stack {owner.split('/')[1]!r} "
                    f"first: it made {self.name!r}, which is gone, and will take the scaling of "
                    "that name with it. If that stack is gone too, delete the endpoint config "
                    f"{config!r}."
                )

    def update(
        self,
        state: EndpointState,
        config_name: str,
        request_id: str,
        *,
        retain: bool,
        way: dict[str, Any] | None = None,
    ) -> None:
        """Start moving the endpoint to another config.

        Parameters
        ----------
        request_id : str
            CloudFormation's request; recorded in a tag, so that a later poll can tell a failed
            update from one that has not started yet, for instance because of ongoing scaling.
        retain : bool
            Whether to keep the number of instances that scaling has reached.
        way : dict, optional
            SageMaker's ``DeploymentConfig``.
        """
        try:
            self._once_visible(
                self._client.update_endpoint,
                EndpointName=self.name,
                EndpointConfigName=config_name,
                RetainAllVariantProperties=retain,
                **({"DeploymentConfig": way} if way else {}),
            )
        except ClientError as error:
            if not is_in_progress(error):
                raise
            return
        self.mark(state, request_id)

    def tag(self, state: EndpointState, tags: dict[str, str]) -> None:
        """Add tags to the endpoint."""
        self._client.add_tags(ResourceArn=state.arn, Tags=_tag_list(tags))

    def carry_stack_tags(self, state: EndpointState, tags: Mapping[str, str]) -> None:
        """Copy the stack's current tags to the endpoint, its config and its model.

        Parameters
        ----------
        tags : mapping
            All tags of the stack; copies of removed ones are removed.
        """
        config = self._client.describe_endpoint_config(EndpointConfigName=state.config_name)
        name = config["ProductionVariants"][0]["ModelName"]
        model = self._client.describe_model(ModelName=name)
        for arn in (state.arn, config["EndpointConfigArn"], model["ModelArn"]):
            new, lost = cost_tags.changes(_tags_of(self._client, arn), tags)
            if new:
                self._client.add_tags(ResourceArn=arn, Tags=_tag_list(new))
            if lost:
                self._client.delete_tags(ResourceArn=arn, TagKeys=lost)

    def mark(self, state: EndpointState, request_id: str) -> None:
        """Add all of our tags to the endpoint, which adopts an untagged one."""
        if not self.owns(state):
            log.info("adopting the endpoint %s", self.name)
        self.tag(state, {**self._own_tags, REQUEST_TAG: request_id})

    def left_by_the_older_stack(self) -> list[str]:
        """Return untagged configs with names like ours, their models, and the models' archives.

        The stack that ships with Live Call Analytics leaves one of each with every update. Its
        models have time stamps as names, ``whisper-model-…``, and are found through their configs.
        Only the newest 20 of each kind are examined.
        """
        configs = self._untagged("EndpointConfig")
        models = set(self._untagged("Model"))
        models |= {self.current_variant(name).get("ModelName", "") for name in configs}
        found = [self._model_without_tag(name) for name in sorted(models - {""})]
        left = [item for item in found if item]
        archives = [
            container["ModelDataUrl"] for _, container in left if "ModelDataUrl" in container
        ]
        return [*configs, *(name for name, _ in left), *archives]

    def _untagged(self, kind: str) -> list[str]:
        newest = itertools.islice(self._listed(kind), _MOST_NAMED)
        return [name for name, arn in newest if STACK_TAG not in _tags_of(self._client, arn)]

    def _model_without_tag(self, name: str) -> tuple[str, dict[str, Any]] | None:
        try:
            answer = self._client.describe_model(ModelName=name)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        is_owned = STACK_TAG in _tags_of(self._client, answer["ModelArn"])
        return None if is_owned else (name, answer.get("PrimaryContainer", {}))

    def delete(self) -> None:
        """Start deleting the endpoint; no error if it is gone or scaling is in progress."""
        try:
            self._forgiving(self._client.delete_endpoint, EndpointName=self.name)
        except ClientError as error:
            if not is_in_progress(error):
                raise

    def current_variant(self, config_name: str) -> dict[str, Any]:
        """Return the production variant of a config, or an empty dict if the config is gone."""
        try:
            answer = self._client.describe_endpoint_config(EndpointConfigName=config_name)
        except ClientError as error:
            if is_missing(error):
                return {}
            raise
        variant: dict[str, Any] = answer["ProductionVariants"][0]
        return variant

    def keep_on_config(self, config_name: str, request_id: str, tags: dict[str, str]) -> None:
        """Save tags on a config for one request, since an endpoint's tags are deleted with it."""
        arn = self._client.describe_endpoint_config(EndpointConfigName=config_name)
        kept = _tag_list({**tags, REQUEST_TAG: request_id})
        self._client.add_tags(ResourceArn=arn["EndpointConfigArn"], Tags=kept)

    def kept_on_config(self, config_name: str, request_id: str) -> dict[str, str]:
        """Return the tags saved by `keep_on_config` for the request; empty if none."""
        answer = self._client.describe_endpoint_config(EndpointConfigName=config_name)
        tags = _tags_of(self._client, answer["EndpointConfigArn"])
        return tags if tags.get(REQUEST_TAG) == request_id else {}

    def delete_all_but(self, config_name: str | None = None, model_name: str | None = None) -> int:
        """Delete this stack's configs and models for this endpoint, except the two named.

        Returns
        -------
        int
            Number of deletions.
        """
        deleted = 0
        for kind, kept, delete in (
            ("EndpointConfig", config_name, self._client.delete_endpoint_config),
            ("Model", model_name, self._client.delete_model),
        ):
            for name, arn in list(self._named_as_ours(kind)):
                # Check the tags too: shortened names of two long ones may begin alike.
                if name != kept and self._own_tags.items() <= _tags_of(self._client, arn).items():
                    self._forgiving(delete, **{f"{kind}Name": name})
                    deleted += 1
        return deleted

    def model_data(self) -> set[str]:
        """Return the S3 prefixes of this endpoint's models."""
        found = set()
        for name, _ in list(self._named_as_ours("Model")):
            try:
                container = self._client.describe_model(ModelName=name).get("PrimaryContainer", {})
            except ClientError as error:
                if is_missing(error):  # deleted since it was listed
                    continue
                raise
            source = container.get("ModelDataSource", {}).get("S3DataSource", {})
            found.add(source.get("S3Uri", ""))
        return found

    def _named_as_ours(self, kind: str) -> Iterator[tuple[str, str]]:
        return ((n, arn) for n, arn in self._listed(kind) if names.is_content_name(n, self.name))

    def _listed(self, kind: str) -> Iterator[tuple[str, str]]:
        """Yield name and ARN of resources whose name contains our base name, newest first."""
        pages = self._client.get_paginator(_LISTED[kind]).paginate(
            NameContains=names.base(self.name), PaginationConfig={"PageSize": _PER_PAGE}
        )
        return (
            (item[f"{kind}Name"], item[f"{kind}Arn"]) for page in pages for item in page[f"{kind}s"]
        )

    def _create(
        self,
        operation: Callable[..., Any],
        more_tags: dict[str, str],
        /,
        **request: Any,
    ) -> None:
        tags = {**more_tags, STACK_TAG: self.stack_id}
        try:
            self._once_visible(operation, Tags=_tag_list(tags), **request)
        except ClientError as error:
            if "already exist" not in error.response["Error"]["Message"]:
                raise

    def _once_visible(self, operation: Callable[..., Any], **request: Any) -> None:
        """Call an operation, with retries while a resource it refers to is not visible yet."""
        for pause in (2, 4, 8, 16, None):
            try:
                operation(**request)
            except ClientError as error:
                message = error.response["Error"]["Message"]
                if limit := _LIMIT.match(message):
                    wanted = int(limit["used"]) + int(limit["more"])
                    raise QuotaTooLow(limit["quota"], wanted, int(limit["allowed"])) from error
                if pause is None or not any(phrase in message for phrase in _NOT_VISIBLE_YET):
                    raise
                self._sleep(pause)
            else:
                return

    def _forgiving(self, operation: Callable[..., Any], **request: Any) -> None:
        try:
            operation(**request)
        except ClientError as error:
            if not is_missing(error):
                raise


def _tags_of(client: Any, arn: str) -> dict[str, str]:
    try:
        pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    except ClientError as error:
        if is_missing(error):
            return {}
        raise


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
