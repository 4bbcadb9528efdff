# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The process's AWS settings, for clients that read them from the environment."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def standing_in(environment: Mapping[str, str]) -> Iterator[None]:
    """Set variables within the block, and put back what was there before.

    Parameters
    ----------
    environment : mapping of str to str
        A profile or session token of the user's is out of the way meanwhile: it would win.
    """
    wanted = {"AWS_PROFILE": None, "AWS_SESSION_TOKEN": None, **environment}
    before = {name: os.environ.get(name) for name in wanted}
    _write(wanted)
    try:
        yield
    finally:
        _write(before)


def _write(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
