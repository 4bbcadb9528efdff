# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Invariants of an account: whole stacks, nothing left over, foreign resources untouched."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_cloud import ACCOUNT_ID
from local_cloud.cloudformation.stack import Stack
from tests.chaos.answers import Answers, Violation
from tests.chaos.aws import Aws
from tests.chaos.lives import BUCKETS
from tests.chaos.provider import ARCHIVE, DEPLOYMENT, PLACE, POLICY, Provider

if TYPE_CHECKING:
    from local_cloud.sagemaker.hosting import Container

STACK_TAG = "whisper-sagemaker:stack"

_PROTECTED = {"UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"}
"""In these statuses, a stack must keep serving."""


@dataclass
class WatchedStack(Stack):
    """A stack that logs its story, and whether all of it must work."""

    story: list[str] = field(default_factory=list)
    is_whole: bool = False
    is_lost: bool = False
    """Whether its endpoint was deleted by hand, with no operation since."""

    def enter(self, status: str, reason: str = "") -> None:
        """Set the stack's status, and log it."""
        super().enter(status, reason)
        self.story.append(f"{self.name} {status}")

    @property
    def prefix(self) -> str:
        """The stack's own prefix in any bucket."""
        _, name, unique = self.stack_id.split("/")
        return f"whisper-sagemaker/{name}-{unique}/"

    def id_of(self, logical_id: str) -> str:
        """Return the physical id of a resource, or ""."""
        resource = self.resources.get(logical_id)
        return resource.physical_id if resource else ""


class Invariants:
    """The invariants, and state for checking them.

    Parameters
    ----------
    aws : Aws
    answers : Answers
    provider : Provider
    stacks : list of WatchedStack
    """

    def __init__(
        self, aws: Aws, answers: Answers, provider: Provider, stacks: list[WatchedStack]
    ) -> None:
        self._aws = aws
        self._answers = answers
        self._provider = provider
        self._stacks = stacks
        self._protected: tuple[WatchedStack, str, str] | None = None
        self._broken: list[Container] = []  # containers that a rollback had to accept
        self._are_rules_excused = False
        self._foreign = self._foreign_state()

    def expect_foreign(self) -> None:
        """Expect the current foreign resources from now on."""
        self._foreign = self._foreign_state()

    def protect(self, stack: WatchedStack) -> None:
        """Require the endpoint to serve throughout the update."""
        if stack.is_whole:
            self._protected = stack, stack.id_of(DEPLOYMENT), stack.id_of(ARCHIVE)

    def release(self) -> None:
        """Stop protecting an endpoint after the update."""
        self._protected = None

    def look_at_protected(self) -> None:
        """Check after a call that the protected endpoint serves and allows a rollback."""
        if self._protected is None or self._protected[0].status not in _PROTECTED:
            return
        _, name, archive = self._protected
        seen = self._answers.seen
        if not self._has_manifest(archive):
            seen.append(f"a roll-back of {name} would not find its archive")
        endpoint = self._aws.sagemaker.endpoints.get(name)
        if endpoint is None or endpoint.serving is None or endpoint.status == "Deleting":
            seen.append(f"{name} serves nothing during an update")
            return
        if not self._has_manifest(endpoint.serving.model_data_uri):
            seen.append(f"{name} serves an archive that is not there")
        configs = self._aws.sagemaker._kinds["EndpointConfig"].items
        models = self._aws.sagemaker._kinds["Model"].items
        config = configs.get(endpoint.config)
        if not config or config["ProductionVariants"][0]["ModelName"] not in models:
            seen.append(f"{name} serves a config or a model that was deleted")

    def served(self, stack: WatchedStack) -> str:
        """Return the archive that a whole stack's endpoint serves, or ""."""
        endpoint = self._aws.sagemaker.endpoints.get(stack.id_of(DEPLOYMENT))
        if not stack.is_whole or not endpoint or not endpoint.serving:
            return ""
        return endpoint.serving.model_data_uri

    def excuse_what_transcribes_nothing(self, stack: WatchedStack) -> None:
        """Accept a broken container that a rollback continues with, for lack of a better one."""
        endpoint = self._aws.sagemaker.endpoints.get(stack.id_of(DEPLOYMENT))
        if endpoint and endpoint.serving and not self._aws.containers.is_good(endpoint.serving):
            self._broken.append(endpoint.serving)

    def excuse_rules(self) -> None:
        """Accept that a rule is left: the calls that remove rules have failed."""
        self._are_rules_excused = True

    def require_all(self) -> None:
        """Raise Violation if an invariant of a stack or of foreign resources fails."""
        self._answers.require_nothing_seen()
        if self._foreign_state() != self._foreign:
            raise Violation("what belongs to others was touched")
        for stack in self._stacks:
            if stack.is_whole:
                self._require_whole(stack)

    def require_archive(self, stack: WatchedStack) -> None:
        """Raise Violation unless a stack's archive is complete."""
        bucket, _, prefix = stack.id_of(ARCHIVE).removeprefix("s3://").partition("/")
        s3 = self._aws.own_client("s3")
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        found = {item["Key"].removeprefix(prefix): item["Size"] for item in listed}
        if "manifest.json" not in found:
            raise Violation(f"{stack.status}, and the archive's manifest is not there")
        answer = s3.get_object(Bucket=bucket, Key=f"{prefix}manifest.json")
        files = json.loads(answer["Body"].read())["files"]
        lost = [f["path"] for f in files if found.get(f["path"]) != f["size"]]
        if lost:
            raise Violation(f"{stack.status}, and the archive lacks {lost}")

    def require_nothing_left(self, stack: WatchedStack) -> None:
        """Raise Violation if a deleted stack has left anything."""
        for kind in ("Model", "EndpointConfig"):
            if owned := self._owned(stack, kind):
                raise Violation(f"{stack.status}, and {kind}s are left: {owned}")
        for endpoint in self._aws.sagemaker.endpoints.values():
            if self._owner_of(endpoint.arn) == stack.stack_id:
                raise Violation(f"{stack.status}, and the endpoint {endpoint.name} is left")
        is_gone = stack.status in {"DELETE_COMPLETE", "ROLLBACK_COMPLETE"}
        polls = [event for event in self._aws.rules.values() if event]
        left = [poll for poll in polls if poll["StackId"] == stack.stack_id]
        if is_gone and left and not self._are_rules_excused:
            raise Violation(f"{stack.status}, and rules are left: {left}")
        if not is_gone or stack.stack_id in self._provider.clean_up_failed:
            return
        for bucket in BUCKETS:
            kept = self._aws.s3.buckets[bucket]
            if kept.owner != ACCOUNT_ID:
                continue
            keys = [
                key for key in (*kept.keys, *kept.uploads.values()) if key.startswith(stack.prefix)
            ]
            if keys:
                raise Violation(f"{stack.status}, and objects are left: {keys}")

    def _require_whole(self, stack: WatchedStack) -> None:
        """Raise Violation if a complete stack does not serve what was requested."""
        name = stack.id_of(DEPLOYMENT)
        endpoint = self._aws.sagemaker.endpoints.get(name)
        if endpoint is None or endpoint.serving is None or endpoint.status != "InService":
            raise Violation(f"{stack.status}, and {name} is not in service")
        if self._owner_of(endpoint.arn) != stack.stack_id:
            raise Violation(f"{stack.status}, and {name} was taken away from it")
        if endpoint.serving.model_data_uri != stack.id_of(ARCHIVE):
            raise Violation(f"{stack.status}, and {name} serves another archive")
        is_excused = any(endpoint.serving is container for container in self._broken)
        if not is_excused and not self._aws.containers.is_good(endpoint.serving):
            raise Violation(f"{stack.status}, and {name} does not transcribe")
        self.require_archive(stack)
        self._require_scaling(stack, name)
        if stack.stack_id not in self._provider.clean_up_failed:
            for kind in ("Model", "EndpointConfig"):
                owned = self._owned(stack, kind)
                if len(owned) != 1:
                    raise Violation(f"{stack.status}, and {len(owned)} {kind}s are there: {owned}")

    def _require_scaling(self, stack: WatchedStack, name: str) -> None:
        place = place_of(name)
        key = place[PLACE[0]], place[PLACE[1]], place[PLACE[2]]
        policies = set(self._aws.scaling.policies.get(key, {}))
        policy = stack.resources.get(POLICY)
        wanted = {policy.properties["PolicyName"]} if policy else set()
        if bool(policy) != (key in self._aws.scaling.targets) or policies != wanted:
            raise Violation(f"{stack.status}, and scaling of {name} is {policies}, not {wanted}")

    def _foreign_state(self) -> Any:
        sagemaker = self._aws.sagemaker
        tagged = {
            arn: dict(tags)
            for arn, tags in sagemaker._tags.items()
            if not tags.get(STACK_TAG, "").startswith("arn:")
        }
        endpoint = sagemaker.endpoints["theirs"]
        prefixes = [stack.prefix for stack in self._stacks]
        objects = {
            (name, key): [(v.version_id, v.data) for v in versions if v.data is not None]
            for name, bucket in self._aws.s3.buckets.items()
            for key, versions in bucket.keys.items()
            if bucket.owner != ACCOUNT_ID
            or not (bucket.expires_after_days or any(map(key.startswith, prefixes)))
        }
        uploads = {
            name: {
                i: key
                for i, key in bucket.uploads.items()
                if key == "video.mp4" or bucket.owner != ACCOUNT_ID
            }
            for name, bucket in self._aws.s3.buckets.items()
        }
        targets = [place for place in self._aws.scaling.targets if "/theirs/" in place[1]]
        return tagged, endpoint.config, endpoint.status, objects, uploads, targets

    def _has_manifest(self, uri: str) -> bool:
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        versions = self._aws.s3.buckets[bucket].keys.get(f"{prefix}manifest.json", [])
        return bool(versions) and versions[-1].data is not None

    def _owned(self, stack: WatchedStack, kind: str) -> list[str]:
        items = self._aws.sagemaker._kinds[kind].items
        return [n for n, i in items.items() if self._owner_of(i[f"{kind}Arn"]) == stack.stack_id]

    def _owner_of(self, arn: str) -> str:
        return self._aws.sagemaker._tags.get(arn, {}).get(STACK_TAG, "")


def place_of(endpoint_name: str) -> dict[str, str]:
    """Return the key of an endpoint's scalable target."""
    resource = f"endpoint/{endpoint_name}/variant/AllTraffic"
    return dict(
        zip(PLACE, ("sagemaker", resource, "sagemaker:variant:DesiredInstanceCount"), strict=True)
    )
