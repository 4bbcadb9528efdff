# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a command refuses to do, said to the person who typed it.

::

    CommandError
      └── BuildError
"""


class CommandError(Exception):
    """One sentence that says what was wrong and what to do; shown without a traceback."""


class BuildError(CommandError):
    """The build artifacts cannot be made."""
