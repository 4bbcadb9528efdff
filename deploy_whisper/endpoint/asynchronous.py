# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An endpoint for recordings: what ``InferenceMode: asynchronous`` asks for.

These properties of ``Custom::WhisperModelDeployment`` are for such an endpoint alone:

======================== ==========================================================================
``OutputS3Uri``          ``s3://bucket/prefix`` of the answers; required
``FailureS3Uri``         ``s3://bucket/prefix`` of the refusals; required
``SuccessTopicArn``      SNS topic that is told of every answer; empty: none is
``ErrorTopicArn``        SNS topic that is told of every failure; empty: none is
``OutputKmsKeyArn``      KMS key of both; empty: ``KmsKeyArn``, and without that as the bucket does
``MaxConcurrentInvocations``  requests that an instance is sent at a time, 1 to 1000; default 4
======================== ==========================================================================

SageMaker checks at once that the execution role may ``sns:Publish`` to the topics, so the custom
resource has to depend on the policy that allows it. The role also needs ``s3:PutObject`` below both
prefixes, and ``s3:GetObject`` for what is sent.

The endpoint is made with ``InstanceCount`` instances, at least one, and smoke-tested through its
queue; only then do the stack's own scaling resources, which refer to the custom resource, let it
sleep. The smoke test's answer goes below ``<OutputS3Uri>/smoke-test/`` and is deleted there; its
inference id begins with ``smoke-test-``, for whoever listens to the topics. For it the deployment
function needs ``sagemaker:InvokeEndpointAsync``, ``s3:GetObject`` below both prefixes,
``s3:ListBucket`` for them, and ``s3:DeleteObject`` below ``<OutputS3Uri>/smoke-test/``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whisper_sagemaker.errors import InvalidProperty

ENVIRONMENT = {
    # SageMaker itself gives up after an hour; what is refused before that still says why.
    "WHISPER_DEADLINE_S": "3590",
    # Four hours of two channels, each for itself; files of up to 4 GiB, read within the hour.
    "WHISPER_MAX_AUDIO_S": "28800",
    "WHISPER_MAX_SOURCE_BYTES": "4294967296",
    "WHISPER_SOURCE_TIMEOUT_S": "3590",
    # Of the image's adapter, which would give up after five minutes.
    "RAYSERVE_BACKEND_TIMEOUT": "3600",
}
"""What the container of such an endpoint is told; the stack's EndpointEnvironment wins over it."""

SMOKE_TEST = "smoke-test"
"""Folder of the smoke test's answer, and what its inference id begins with."""

_MODES = ("realtime", "asynchronous")
_S3_PATH = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s/]+)*/?")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+")
_MOST_INVOCATIONS = 1000
_LONGEST_PATH = 512


@dataclass(frozen=True)
class AsynchronousInference:
    """The queue of an endpoint.

    Attributes
    ----------
    output_s3_uri, failure_s3_uri : str
        Where SageMaker puts answers and refusals; no slash at the end.
    success_topic_arn, error_topic_arn : str
        Of the topics that are told of them, or empty.
    max_concurrent_invocations : int
        Requests that an instance is sent at a time.
    kms_key_arn : str
        Encrypts what SageMaker writes; empty: as the bucket does.
    """

    output_s3_uri: str
    failure_s3_uri: str
    success_topic_arn: str = ""
    error_topic_arn: str = ""
    max_concurrent_invocations: int = 4
    kms_key_arn: str = ""

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "AsynchronousInference | None":
        """Read and check a resource's properties; None for an endpoint that answers at once.

        Raises
        ------
        InvalidProperty
        """
        given = properties.get
        mode = given("InferenceMode", "") or _MODES[0]
        if mode not in _MODES:
            raise InvalidProperty("InferenceMode", mode, f"one of {', '.join(_MODES)}")
        if mode == _MODES[0]:
            return None
        return cls(
            output_s3_uri=_path(properties, "OutputS3Uri"),
            failure_s3_uri=_path(properties, "FailureS3Uri"),
            success_topic_arn=_topic(properties, "SuccessTopicArn"),
            error_topic_arn=_topic(properties, "ErrorTopicArn"),
            max_concurrent_invocations=_count(given("MaxConcurrentInvocations", "4")),
            kms_key_arn=given("OutputKmsKeyArn") or given("KmsKeyArn", ""),
        )

    def config(self) -> dict[str, Any]:
        """Return the endpoint config's ``AsyncInferenceConfig``."""
        topics = {"SuccessTopic": self.success_topic_arn, "ErrorTopic": self.error_topic_arn}
        told = {name: arn for name, arn in topics.items() if arn}
        output: dict[str, Any] = {
            "S3OutputPath": self.output_s3_uri,
            "S3FailurePath": self.failure_s3_uri,
        }
        if told:
            output["NotificationConfig"] = told
        if self.kms_key_arn:
            output["KmsKeyId"] = self.kms_key_arn
        return {
            "ClientConfig": {
                "MaxConcurrentInvocationsPerInstance": self.max_concurrent_invocations
            },
            "OutputConfig": output,
        }


def _path(properties: Mapping[str, Any], name: str) -> str:
    uri: str = properties.get(name, "")
    if not _S3_PATH.fullmatch(uri) or len(uri) > _LONGEST_PATH:
        raise InvalidProperty(name, uri, f"s3://bucket/prefix, {_LONGEST_PATH} characters at most")
    return uri.removesuffix("/")


def _topic(properties: Mapping[str, Any], name: str) -> str:
    arn: str = properties.get(name, "")
    if arn and not _TOPIC.fullmatch(arn):
        raise InvalidProperty(name, arn, "the ARN of an SNS topic, or leave it empty")
    return arn


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_INVOCATIONS:
        remedy = f"a whole number from 1 to {_MOST_INVOCATIONS:,}"
        raise InvalidProperty("MaxConcurrentInvocations", text, remedy)
    return int(text)
