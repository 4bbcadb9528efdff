# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Refusals of S3 that are about a KMS key: the code is AccessDenied, only the message says so."""

import re

from botocore.exceptions import ClientError

from whisper_sagemaker.errors import InvalidProperty

_KEY = re.compile(r".*?(arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(key|alias)/[A-Za-z0-9/_-]+)", re.DOTALL)


def key_of_refusal(error: ClientError) -> str:
    """Return the key that a refusal is about, "the key" where it is not named; empty for none."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if not code.startswith("KMS.") and "kms:" not in message.lower():
        return ""
    found = _KEY.match(message)
    return found[1] if found else "the key"


def refused(error: ClientError, given: str, key: str) -> InvalidProperty:
    """Return the error for a bucket whose key the function may not use, and whose `given` is ours.

    Parameters
    ----------
    given : str
        ``KmsKeyArn``, empty where the bucket has a key of its own that the stack was not told of.
    key : str
        As `key_of_refusal` gives it.
    """
    code = error.response["Error"]["Code"]
    if code.startswith("KMS."):  # not found, disabled, or about to be deleted
        policy = f"an enabled key, or enable {'it' if given == key else key} (S3 says {code})"
    elif given == key:
        policy = f"a key whose policy lets this account use it by IAM (S3 says {code})"
    elif not given:
        policy = f"{key}, with a key policy that lets this account use it by IAM (S3 says {code})"
    else:
        policy = f"{key}, which encrypts the bucket (S3 says {code})"
    return InvalidProperty("KmsKeyArn", given, policy)
