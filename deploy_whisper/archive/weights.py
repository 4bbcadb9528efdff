# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sources of a model's weights: the user's S3 prefix, or the hub by model size."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from deploy_whisper.archive.hub import HUB_MODELS, HUB_WEIGHTS, Hub
from deploy_whisper.archive.kms import key_of_refusal
from deploy_whisper.archive.other_formats import remedy
from deploy_whisper.archive.s3_prefix import objects
from deploy_whisper.archive.source_file import SourceFile
from deploy_whisper.archive.upload import Destination, upload
from deploy_whisper.budget import Budget
from deploy_whisper.settings import ArchiveSettings
from whisper_sagemaker.errors import WeightsCorrupt, WeightsNotFound, WeightsRefused
from whisper_sagemaker.transient import is_transient

Sleep = Callable[[float], None]

REQUIRED = ("model.bin", "config.json", "tokenizer.json")
VOCABULARY = ("vocabulary.json", "vocabulary.txt")
# The first is for models with 128 Mel bins, the second for those that declare short windows.
_OPTIONAL = ("preprocessor_config.json", "windows.json")
_WANTED = frozenset({*REQUIRED, *VOCABULARY, *_OPTIONAL})


class WeightsSource(Protocol):
    """A place that holds one faster-whisper model."""

    def files(self) -> list[SourceFile]:
        """Return the model's files; raises ``WeightsError`` if the model is incomplete."""

    def stage(self, file: SourceFile, destination: Destination, budget: Budget) -> bool:
        """Copy a file to its destination; False if the budget was spent first."""


class S3Weights:
    """A model below an S3 prefix; copied server-side, whatever its size.

    Parameters
    ----------
    s3 : boto3 S3 client
    uri : str
        ``s3://bucket/prefix/``.
    parameter : str
        The template's parameter that gave the prefix; for error messages.
    """

    def __init__(self, s3: Any, uri: str, parameter: str = "ModelS3Uri") -> None:
        self._s3 = s3
        self._uri = uri
        self._parameter = parameter
        self._bucket, _, self._prefix = uri.removeprefix("s3://").partition("/")

    def files(self) -> list[SourceFile]:
        """List the model's files; raises WeightsNotFound or WeightsRefused."""
        return _whole_model(self.everything(), self._parameter, self._uri)

    def everything(self) -> list[SourceFile]:
        """List all files below the prefix; raises WeightsRefused."""
        parameter = self._parameter
        said = f"Check {parameter} and the bucket's policy: {self._uri[:120]}"
        with _refusals(said, parameter):
            listed = objects(self._s3, self._bucket, self._prefix)
        return [
            SourceFile(
                path=item["Key"].removeprefix(self._prefix),
                size=item["Size"],
                digest="etag:" + item["ETag"].strip('"'),
            )
            for item in listed
        ]

    def stage(self, file: SourceFile, destination: Destination, budget: Budget) -> bool:  # noqa: ARG002 - the server copies
        """Copy one file server-side, provided that it has not changed since it was listed."""
        with _refusals(
            f"Check that this account may read below {self._parameter} and write to S3BucketName: "
            f"copying {file.path}",
            self._parameter,
        ):
            destination.s3.copy(
                {"Bucket": self._bucket, "Key": self._prefix + file.path},
                destination.bucket,
                destination.key,
                ExtraArgs={
                    "CopySourceIfMatch": f'"{file.digest.removeprefix("etag:")}"',
                    "TaggingDirective": "REPLACE",
                    "Tagging": destination.tagging(file.digest),
                },
            )
        return True


@dataclass(frozen=True)
class HubWeights:
    """A model on the hub at its pinned revision.

    Attributes
    ----------
    digest : str
        Required SHA-256 of ``model.bin``; empty: the one that the hub declares.
    """

    hub: Hub
    digest: str = ""

    def files(self) -> list[SourceFile]:
        """List the model's files; raises WeightsNotFound, WeightsRefused or WeightsCorrupt."""
        found = _whole_model(self.hub.files(), "HubUrl", "the hub's repository")
        (announced,) = (file.digest for file in found if file.path == REQUIRED[0])
        if self.digest and announced != f"sha256:{self.digest}":
            raise WeightsCorrupt(
                "Check HubUrl, or give ModelS3Uri for weights of your own: the hub's model.bin is "
                f"{announced[:24]}… and not sha256:{self.digest[:16]}…, which this size has."
            )
        return found

    def stage(self, file: SourceFile, destination: Destination, budget: Budget) -> bool:
        """Stream one file to S3, resuming where an earlier call stopped."""
        return upload(self.hub, file, destination, budget)


def source(
    s3: Any, secrets: Any, settings: ArchiveSettings, hub_url: str, sleep: Sleep = time.sleep
) -> WeightsSource:
    """Choose the source of the model: the S3 prefix if given, else the hub.

    Parameters
    ----------
    s3, secrets : boto3 clients
        For S3 and Secrets Manager.
    sleep : callable, optional
        Waits the given number of seconds while the hub is busy.

    Raises
    ------
    WeightsRefused
        If the secret with the hub's token cannot be read.
    """
    if settings.model_s3_uri:
        return S3Weights(s3, settings.model_s3_uri)
    repository, revision = HUB_MODELS[settings.model_size]
    secret = settings.hub_token_secret_arn
    token = _token(secrets, secret) if secret else ""
    digest = HUB_WEIGHTS.get(settings.model_size, "")
    return HubWeights(Hub(hub_url, repository, revision, token, sleep), digest)


def _token(secrets: Any, arn: str) -> str:
    """Read a secret that holds the bare token or a JSON object with the key ``token``."""
    with _refusals("Check HubTokenSecretArn: the secret"):
        text: str = secrets.get_secret_value(SecretId=arn).get("SecretString", "{}")
    if not text.lstrip().startswith("{"):
        return text.strip()
    try:
        return str(json.loads(text)["token"])
    except (ValueError, KeyError) as error:
        raise WeightsRefused(
            "Store the bare token or a JSON object with the key 'token' in HubTokenSecretArn."
        ) from error


@contextmanager
def _refusals(said: str, parameter: str = "ModelS3Uri") -> Iterator[None]:
    """Turn AWS errors, except transient ones, into WeightsRefused with the error code."""
    try:
        yield
    except ClientError as error:
        if is_transient(error):
            raise
        if key := key_of_refusal(error):
            raise WeightsRefused(
                f"Encrypt what {parameter} holds with S3's own key or with that of KmsKeyArn, "
                f"whose policy must let this account use it by IAM: the function may not use {key}."
            ) from error
        raise WeightsRefused(f"{said} gives {error.response['Error']['Code']}.") from error


def _whole_model(found: list[SourceFile], parameter: str, where: str) -> list[SourceFile]:
    files = sorted((file for file in found if file.path in _WANTED), key=lambda file: file.path)
    names = {file.path for file in files}
    missing = [name for name in REQUIRED if name not in names]
    if not names.intersection(VOCABULARY):
        missing.append(" or ".join(VOCABULARY))
    if missing:
        other = remedy([file.path for file in found], where) if parameter == "ModelS3Uri" else ""
        raise WeightsNotFound(
            other
            or f"Put a whole faster-whisper model at {parameter}: {where[:120]} lacks "
            f"{', '.join(missing)}."
        )
    return files
