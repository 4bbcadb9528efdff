# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""S3 for buckets of this account alone.

The name of a bucket that is deleted is free for anybody. Who takes it would be given what we stage,
and would give the endpoint what it runs: so every request names the owner, and S3 refuses others.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any


class OwnBuckets:
    """A boto3 S3 client whose requests S3 refuses (403) where the bucket is another account's.

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
        """Return an operation that names the owner."""
        return partial(getattr(self._s3, operation), **self._owner)

    def get_paginator(self, operation: str) -> Any:
        """Return a paginator whose requests name the owner."""
        pages = self._s3.get_paginator(operation)
        return SimpleNamespace(paginate=partial(pages.paginate, **self._owner))

    def copy(self, source: dict[str, str], bucket: str, key: str, ExtraArgs: Any) -> None:  # noqa: N803 - boto3's name
        """Copy an object into a bucket of this account; the source may be another's."""
        self._s3.copy(
            source,
            bucket,
            key,
            ExtraArgs={**ExtraArgs, **self._owner},
            # The SDK asks for the source's size as if its bucket were the same account's.
            SourceClient=SimpleNamespace(head_object=self._head_of_source),
        )

    def _head_of_source(self, **request: Any) -> Any:
        return self._s3.head_object(**{k: v for k, v in request.items() if k not in self._owner})


def account_of(stack_id: str) -> str:
    """Return the account of a stack's ARN, ``arn:…:cloudformation:<region>:<account>:stack/…``."""
    return stack_id.split(":")[4]
