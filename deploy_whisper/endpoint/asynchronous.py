# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An asynchronous endpoint, for recordings (``InferenceMode: asynchronous``).

These properties of ``Custom::WhisperModelDeployment`` apply only to such an endpoint:

======================== ==========================================================================
``OutputS3Uri``          ``s3://bucket/prefix`` for responses; required
``FailureS3Uri``         ``s3://bucket/prefix`` for errors; required
``SuccessTopicArn``      SNS topic notified of every response; empty: none
``ErrorTopicArn``        SNS topic notified of every failure; empty: none
``OutputKmsKeyArn``      KMS key for both; empty: ``KmsKeyArn``, or else the bucket's own encryption
``MaxConcurrentInvocations``  concurrent requests per instance, 1 to 1000; default 4
======================== ==========================================================================

SageMaker immediately checks that the execution role may ``sns:Publish`` to the topics, so the
custom resource has to depend on the policy that allows it. The role also needs ``s3:PutObject``
below both prefixes, and ``s3:GetObject`` for the input.

The endpoint is created with ``InstanceCount`` instances, at least one, and smoke-tested through its
queue. Only then do the stack's scaling resources, which refer to the custom resource, scale it to
zero. The smoke test's response goes below ``<OutputS3Uri>/smoke-test/`` and is deleted afterwards;
its inference id begins with ``smoke-test-``, for subscribers of the topics. For this the deployment
function needs ``sagemaker:InvokeEndpointAsync``, ``s3:GetObject`` below both prefixes,
``s3:ListBucket`` for them, and ``s3:DeleteObject`` below ``<OutputS3Uri>/smoke-test/``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whisper_sagemaker.errors import InvalidProperty

ENVIRONMENT = {
    # SageMaker itself gives up after an hour, without a reason; we refuse a little earlier.
    "WHISPER_DEADLINE_S": "3590",
    # Four hours of two separate channels; files of up to 4 GiB, read within the hour.
    "WHISPER_MAX_AUDIO_S": "28800",
    "WHISPER_MAX_SOURCE_BYTES": "4294967296",
    "WHISPER_SOURCE_TIMEOUT_S": "3590",
    # For the image's adapter, which would give up after five minutes.
    "RAYSERVE_BACKEND_TIMEOUT": "3600",
}
"""Environment of such an endpoint's container; the stack's EndpointEnvironment overrides it."""

SMOKE_TEST = "smoke-test"
"""Folder of the smoke test's response, and beginning of its inference id."""

_MODES = ("realtime", "asynchronous")
_S3_PATH = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s/]+)*/?")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+")
_MOST_INVOCATIONS = 1000
_LONGEST_PATH = 512


@dataclass(frozen=True)
class AsynchronousInference:
    """The settings of an endpoint's queue.

    Attributes
    ----------
    output_s3_uri, failure_s3_uri : str
        Where SageMaker writes responses and errors; no trailing slash.
    success_topic_arn, error_topic_arn : str
        Topics notified of them, or empty.
    max_concurrent_invocations : int
        Concurrent requests per instance.
    kms_key_arn : str
        Key for SageMaker's output; empty: the bucket's own encryption.
    """

    output_s3_uri: str
    failure_s3_uri: str
    success_topic_arn: str = ""
    error_topic_arn: str = ""
    max_concurrent_invocations: int = 4
    kms_key_arn: str = ""

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "AsynchronousInference | None":
        """Read and check a resource's properties; return None for a real-time endpoint.

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
        raise InvalidProperty(name, uri, f"s3://bucket/prefix, at most {_LONGEST_PATH} characters")
    return uri.removesuffix("/")


def _topic(properties: Mapping[str, Any], name: str) -> str:
    arn: str = properties.get(name, "")
    if arn and not _TOPIC.fullmatch(arn):
        raise InvalidProperty(name, arn, "the ARN of an SNS topic, or empty")
    return arn


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_INVOCATIONS:
        remedy = f"a whole number from 1 to {_MOST_INVOCATIONS:,}"
        raise InvalidProperty("MaxConcurrentInvocations", text, remedy)
    return int(text)
