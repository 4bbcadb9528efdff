# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Keys in AWS Secrets Manager; during a rotation both old and new are valid."""

import json
import time
from collections.abc import Callable
from typing import Any

from recordings.errors import InvalidFunctionSetting

_SECONDS_KEPT = 300.0
_SHORTEST = 20


class SecretKeys:
    """The keys of a secret ``{"current": ..., "previous": ...}``; empty values are ignored.

    Parameters
    ----------
    client : Secrets Manager client
    arn : str
        ARN of the secret.
    clock : callable
        Returns monotonic seconds; keys are cached for five minutes.
    """

    def __init__(self, client: Any, arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._arn = arn
        self._clock = clock
        self._read: tuple[float, tuple[str, ...]] = (0.0, ())

    def __call__(self) -> tuple[str, ...]:
        """Return the keys, the current one first.

        Raises
        ------
        InvalidFunctionSetting
            There is no usable key, so nobody is let in and nothing is signed.
        """
        until, keys = self._read
        if keys and self._clock() < until:
            return keys
        text = self._client.get_secret_value(SecretId=self._arn)["SecretString"]
        try:
            secret = json.loads(text)
            found = tuple(str(secret[name]) for name in ("current", "previous") if secret.get(name))
        except (ValueError, AttributeError):
            found = ()
        if not found or min(map(len, found)) < _SHORTEST:
            raise InvalidFunctionSetting(
                f'Set the secret {self._arn} to {{"current": "…", "previous": ""}}, keys of '
                f"{_SHORTEST} characters or more."
            )
        self._read = (self._clock() + _SECONDS_KEPT, found)
        return found
