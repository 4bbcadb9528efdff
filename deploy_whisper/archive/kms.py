# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""S3 errors caused by a KMS key: the code is AccessDenied, only the message names the key."""

import re

from botocore.exceptions import ClientError

from whisper_sagemaker.errors import InvalidProperty

_KEY = re.compile(r".*?(arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(key|alias)/[A-Za-z0-9/_-]+)", re.DOTALL)


def key_of_refusal(error: ClientError) -> str:
    """Return the key in an error, "the key" if it is not named; empty for other errors."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if not code.startswith("KMS.") and "kms:" not in message.lower():
        return ""
    found = _KEY.match(message)
    return found[1] if found else "the key"


def refused(error: ClientError, given: str, key: str) -> InvalidProperty:
    """Return the error for a bucket whose KMS key the function may not use.

    Parameters
    ----------
    given : str
        The stack's ``KmsKeyArn``; may be empty although the bucket has a key.
    key : str
        Result of `key_of_refusal`.
    """
    code = error.response["Error"]["Code"]
    if code.startswith("KMS."):  # not found, disabled, or about to be deleted
        it = "it" if given == key else key
        policy = f"an enabled key: enable {it}, or give another (S3 says {code})"
    elif given == key:
        policy = f"a key whose policy lets this account use it by IAM (S3 says {code})"
    elif not given:
        policy = f"{key}, with a key policy that lets this account use it by IAM (S3 says {code})"
    else:
        policy = f"{key}, which encrypts the bucket (S3 says {code})"
    return InvalidProperty("KmsKeyArn", given, policy)
