# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An S3 client restricted to buckets of this account.

The name of a deleted bucket is free for anybody. Whoever takes it would receive the files we stage,
and supply the program that the endpoint runs. So every request names the expected bucket owner.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any


class OwnBuckets:
    """A boto3 S3 client whose requests S3 refuses (403) if the bucket is another account's.

    Parameters
    ----------
    s3 : boto3 S3 client
    account_id : str
        Twelve digits.
    """

    def __init__(self, s3: Any, account_id: str) -> None:
        self._s3 = s3
        self._owner = {"ExpectedBucketOwner": account_id}

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """Return an operation that names the expected bucket owner."""
        return partial(getattr(self._s3, operation), **self._owner)

    def get_paginator(self, operation: str) -> Any:
        """Return a paginator whose requests name the expected bucket owner."""
        pages = self._s3.get_paginator(operation)
        return SimpleNamespace(paginate=partial(pages.paginate, **self._owner))

    def copy(self, source: dict[str, str], bucket: str, key: str, ExtraArgs: Any) -> None:  # noqa: N803 - boto3's name
        """Copy an object into a bucket of this account; the source may be another's."""
        self._s3.copy(
            source,
            bucket,
            key,
            ExtraArgs={**ExtraArgs, **self._owner},
            # The SDK would pass ExpectedBucketOwner also when it asks for the source's size.
            SourceClient=SimpleNamespace(head_object=self._head_of_source),
        )

    def _head_of_source(self, **request: Any) -> Any:
        return self._s3.head_object(**{k: v for k, v in request.items() if k not in self._owner})


def account_of(stack_id: str) -> str:
    """Return the account of a stack's ARN, ``arn:…:cloudformation:<region>:<account>:stack/…``."""
    return stack_id.split(":")[4]
