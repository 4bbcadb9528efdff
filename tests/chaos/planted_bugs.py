# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Eighteen bugs, planted into the deployer one at a time: a check must find each of them."""

import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

_REQUESTS = "deploy_whisper.invocations"
_ENDPOINT = "whisper_sagemaker.endpoints.StackEndpoint"
_DEPLOYMENT = "deploy_whisper.endpoint.resource.Deployment"


def _early_clean_up(update: Any) -> Any:
    def update_and_clean_up(self: Any, state: Any, name: str) -> None:
        update(self, state, name)
        self._endpoint.delete_all_but(name)

    return update_and_clean_up


def _untagged(config: Any) -> Any:
    def untagged_config(self: Any, request: Any, tags: Any) -> str:
        self._own_tags, own = {"whisper-sagemaker:stack": "somebody"}, self._own_tags
        stack, self.stack_id = self.stack_id, "somebody"
        try:
            return str(config(self, request, tags))
        finally:
            self._own_tags, self.stack_id = own, stack

    return untagged_config


def _everything(_: Any) -> Any:
    def doomed(self: Any, ever: set[str]) -> set[tuple[str, str]]:
        from deploy_whisper.archive import s3_prefix

        place = self._event.properties["Bucket"], self._event.properties["Prefix"]
        return {(place[0], item) for item in s3_prefix.prefixes(self._s3, *place)}

    return doomed


def _in_service_is_enough(poll: Any) -> Any:
    def poll_less(self: Any, budget: Any) -> bool:
        state = self._endpoint.describe()
        return bool(state and state.status == "InService") or poll(self, budget)

    return poll_less


def _of_any_account(init: Any) -> Any:
    def init_of_any(self: Any, s3: Any, account_id: str) -> None:
        init(self, s3, account_id)
        self._owner = {}

    return init_of_any


def _taken_at_once(is_taken: Any) -> Any:
    def taken(url: str, answer: Any) -> bool:
        is_taken(url, answer)
        return True

    return taken


def _by_looking_at_all(_: Any) -> Any:
    def endpoints_of(tagging: Any, stack_id: str) -> set[str]:
        import boto3

        from whisper_sagemaker import endpoints

        client = boto3.client("sagemaker")
        pages = client.get_paginator("list_models").paginate(PaginationConfig={"PageSize": 100})
        models = [item["ModelArn"] for page in pages for item in page["Models"]]
        tags = [endpoints._tags_of(client, arn) for arn in models]
        ours = [t for t in tags if t.get(endpoints.STACK_TAG) == stack_id]
        return {t[endpoints.ENDPOINT_TAG] for t in ours if endpoints.ENDPOINT_TAG in t}

    return endpoints_of


BUGS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a poll of an older request goes on": (
        f"{_REQUESTS}.is_waited_for",
        lambda _: lambda event, tags: True,
    ),
    "every endpoint of that name is ours": (
        f"{_ENDPOINT}.owns",
        lambda _: lambda self, state: True,
    ),
    "an update deletes the old config at once": (f"{_DEPLOYMENT}._update", _early_clean_up),
    "a config carries no tag of ours": (f"{_ENDPOINT}.ensure_config", _untagged),
    "deleting an archive deletes those in use": (
        "deploy_whisper.archive.resource.ModelArchive._doomed",
        _everything,
    ),
    "any endpoint in service is the wanted one": (f"{_DEPLOYMENT}.poll", _in_service_is_enough),
    "a lease is not given back": (
        "deploy_whisper.archive.lease.Lease.release",
        lambda _: lambda self: None,
    ),
    "scaling is not brought back": (
        "whisper_sagemaker.scaling_backup.Scaling.bring_back",
        lambda _: lambda self, remembered, kind, **more: remembered,
    ),
    "nothing is transcribed before success": (
        "deploy_whisper.endpoint.resource.transcribe_known_clip",
        lambda _: lambda name, tree: True,
    ),
    "the archive is never renewed": (
        "deploy_whisper.archive.renewal.RENEW_BELOW",
        lambda _: -1.0,
    ),
    "invocations work side by side": (
        f"{_REQUESTS}.InvocationLock.is_held",
        lambda _: lambda self, event, tags: True,
    ),
    "a Delete leaves the rules of other requests": (
        "deploy_whisper.polling_rules.remove_others",
        lambda _: lambda event, newest: None,
    ),
    "an answer is not noted": (
        f"{_REQUESTS}.note_answer",
        lambda _: lambda event, tags: None,
    ),
    "a bucket may be of any account": (
        "deploy_whisper.archive.own_buckets.OwnBuckets.__init__",
        _of_any_account,
    ),
    "an answer that meets 503 is taken for delivered": (f"{_REQUESTS}._is_taken", _taken_at_once),
    "everything in the account is looked at": (
        "deploy_whisper.endpoint.resource.endpoints_of",
        _by_looking_at_all,
    ),
    "an endpoint deleted by hand gets no scaling": (
        "deploy_whisper.endpoint.resource.declared_scaling",
        lambda _: lambda properties, name: None,
    ),
    "every poll is taken for one that nobody waits for": (
        f"{_REQUESTS}.is_waited_for",
        lambda _: lambda event, tags: not event.is_poll,
    ),
}
"""By description: the patched name, and a function that returns the replacement.

Names, because the deployer may only be imported where AWS is replaced.
"""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant a bug within a ``with`` block, inside `replaced`."""
    where, bug = BUGS[name]
    with mock.patch(where, bug(pkgutil.resolve_name(where))):
        yield
