# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Thirteen bugs, planted into the deployer one at a time: a check must find each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

Patch = tuple[Any, str, Any]

NAMES = (
    "a poll of an older request goes on",
    "every endpoint of that name is ours",
    "an update deletes the old config at once",
    "a config carries no tag of ours",
    "deleting an archive deletes those in use",
    "any endpoint in service is the wanted one",
    "a lease is not given back",
    "scaling is not brought back",
    "nothing is transcribed before success",
    "the archive is never renewed",
    "invocations work side by side",
    "an answer is not noted",
    "every poll is taken for one that nobody waits for",
)
"""What is wrong, in words."""


def mutants() -> dict[str, Callable[[], Patch]]:
    """Return, by what is wrong, where it is planted and what is planted there."""
    # Only once AWS is replaced: the handler makes clients as it is imported.
    from deploy_whisper import requests
    from deploy_whisper.archive import lease, renewal, s3_prefix
    from deploy_whisper.archive import resource as model_archive
    from deploy_whisper.endpoint import resource as deployment
    from whisper_sagemaker import endpoints, scaling

    update = deployment.Deployment._update
    config = endpoints.StackEndpoint.ensure_config

    def early_clean_up(self: Any, state: Any, name: str) -> None:
        update(self, state, name)
        self._endpoint.delete_all_but(name)

    def untagged_config(self: Any, request: Any) -> str:
        self._own_tags, own = {endpoints.STACK_TAG: "somebody"}, self._own_tags
        stack, self.stack_id = self.stack_id, "somebody"
        try:
            return config(self, request)
        finally:
            self._own_tags, self.stack_id = own, stack

    def everything(self: Any, ever: set[str]) -> set[tuple[str, str]]:
        properties = self._event.properties
        place = properties["Bucket"], properties["Prefix"]
        return {(place[0], item) for item in s3_prefix.prefixes(self._s3, *place)}

    def in_service_is_enough(self: Any, budget: Any) -> bool:
        state = self._endpoint.describe()
        return bool(state and state.status == "InService") or poll(self, budget)

    poll = deployment.Deployment.poll
    return {
        "a poll of an older request goes on": lambda: (
            requests,
            "is_waited_for",
            lambda event, tags: True,
        ),
        "every endpoint of that name is ours": lambda: (
            endpoints.StackEndpoint,
            "owns",
            lambda self, state: True,
        ),
        "an update deletes the old config at once": lambda: (
            deployment.Deployment,
            "_update",
            early_clean_up,
        ),
        "a config carries no tag of ours": lambda: (
            endpoints.StackEndpoint,
            "ensure_config",
            untagged_config,
        ),
        "deleting an archive deletes those in use": lambda: (
            model_archive.ModelArchive,
            "_doomed",
            everything,
        ),
        "any endpoint in service is the wanted one": lambda: (
            deployment.Deployment,
            "poll",
            in_service_is_enough,
        ),
        "a lease is not given back": lambda: (lease.Lease, "release", lambda self: None),
        "scaling is not brought back": lambda: (
            scaling.Scaling,
            "bring_back",
            lambda self, remembered, kind, **more: remembered,
        ),
        "nothing is transcribed before success": lambda: (
            deployment,
            "transcribe_known_clip",
            lambda name, tree: True,
        ),
        "the archive is never renewed": lambda: (renewal, "RENEW_BELOW", -1.0),
        "invocations work side by side": lambda: (
            requests.InvocationLock,
            "is_held",
            lambda self, event, tags: True,
        ),
        "an answer is not noted": lambda: (
            requests,
            "note_answer",
            lambda event, earlier: None,
        ),
        "every poll is taken for one that nobody waits for": lambda: (
            requests,
            "is_waited_for",
            lambda event, tags: not event.is_poll,
        ),
    }


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have one bug for the length of a ``with`` block, within `replaced`."""
    target, attribute, value = mutants()[name]()
    with mock.patch.object(target, attribute, value):
        yield
