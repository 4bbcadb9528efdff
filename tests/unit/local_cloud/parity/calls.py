# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the suite asks of both stand-ins in the same words."""

import pytest
from botocore.exceptions import ClientError

REGION = "us-east-1"
ACCOUNT = "123456789012"


def refused(call, *arguments, **request):
    """Return the answer of a refusal."""
    with pytest.raises(ClientError) as error:
        call(*arguments, **request)
    return error.value.response


def refusal(call, *arguments, **request):
    """Return code and status of a refusal."""
    answer = refused(call, *arguments, **request)
    return answer["Error"]["Code"], answer.get("ResponseMetadata", {}).get("HTTPStatusCode")


def message(call, **request):
    """Return code and message of a refusal."""
    error = refused(call, **request)["Error"]
    return error["Code"], error["Message"]
