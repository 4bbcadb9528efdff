# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Errors of commands, shown to the user.

::

    CommandError
      └── BuildError
"""


class CommandError(Exception):
    """One sentence with the problem and the remedy; shown without a traceback."""


class BuildError(CommandError):
    """The artifacts cannot be built."""
