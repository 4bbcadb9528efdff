# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which model an endpoint serves, what it suits, and which languages it knows."""

from dataclasses import dataclass, field
from typing import Any

from botocore import exceptions

from live_whisper.errors import EndpointUnusable
from live_whisper.transport import aws
from whisper_contract.languages import NAMES

STACK_TAG = "whisper-sagemaker:stack"
"""Tag of an endpoint: the ARN of its stack."""
DEMONSTRATION = "demo"
_ENGLISH_ALONE = "English only"
_LATEST = ("large", "large-v3", "large-v3-turbo")

# By prefix of a size's name, longest prefix first.
_GOOD_FOR = (
    ("distil-", "nearly as accurate as the model it was distilled from, and several times faster"),
    (
        "large-v3-turbo",
        "close to large-v3 in a fraction of its time: start with it for live calls",
    ),
    ("large", "the most accurate, and the slowest: needs a GPU for live calls"),
    ("medium", "accurate, slower than large-v3-turbo: for older deployments"),
    ("small", "suitable for clear speech; less accurate on names and telephone lines"),
    ("base", "for tests and clear speech: misrecognises names and noisy lines"),
    ("tiny", "the fastest, for tests: the least accurate"),
)


@dataclass(frozen=True)
class ModelFacts:
    """Model facts shown on the page.

    Attributes
    ----------
    name : str
        Its ``WhisperModelSize``, or another display name.
    good_for : str
        What it suits, or why that is unknown.
    languages : tuple of str
        Codes of the languages it knows.
    """

    name: str
    good_for: str
    languages: tuple[str, ...] = field(default_factory=lambda: tuple(NAMES))

    def row(self) -> dict[str, Any]:
        """Return the facts for the page, with languages sorted by name."""
        languages = sorted(((code, NAMES[code]) for code in self.languages), key=lambda one: one[1])
        return {"name": self.name, "good_for": self.good_for, "languages": languages}


def of_size(size: str) -> ModelFacts:
    """Return the facts of a ``WhisperModelSize``, or of the demonstration model."""
    if size == DEMONSTRATION:
        said = "160 words of English and Spanish, for the sample calls only"
        return ModelFacts("demonstration model", said, ("en", "es"))
    said = next((said for begin, said in _GOOD_FOR if size.startswith(begin)), "")
    if size.endswith(".en") or size.startswith("distil-"):
        return ModelFacts(size, f"{_ENGLISH_ALONE}; {said}", ("en",))
    known = tuple(code for code in NAMES if code != "yue" or size in _LATEST)
    return ModelFacts(size, f"{len(known)} languages; {said}", known)


def of_endpoint(name: str, region: str | None) -> ModelFacts:
    """Look up the model of a SageMaker endpoint in the stack that created it.

    Without the permissions, the facts say which ones are needed.
    """
    try:
        arn = _client("sagemaker", region).describe_endpoint(EndpointName=name)["EndpointArn"]
        tags = _client("sagemaker", region).list_tags(ResourceArn=arn)["Tags"]
        stack = next((tag["Value"] for tag in tags if tag["Key"] == STACK_TAG), None)
        if stack is None:
            return ModelFacts(
                "unknown model", "the endpoint carries no tag of this project's stack"
            )
        (found,) = _client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"]
    except (exceptions.BotoCoreError, exceptions.ClientError, EndpointUnusable):
        return ModelFacts(
            "unknown model",
            "to see which, allow sagemaker:DescribeEndpoint, sagemaker:ListTags and "
            "cloudformation:DescribeStacks",
        )
    given = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())}
    if given.get("ModelS3Uri"):
        return ModelFacts("your own model", f"from {given['ModelS3Uri']}")
    return of_size(given.get("WhisperModelSize", ""))


def _client(service: str, region: str | None) -> Any:
    return aws.client(service, region, EndpointUnusable, what=f"{service} of the endpoint")
