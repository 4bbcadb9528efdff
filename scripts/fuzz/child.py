# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The process that is fuzzed: ``python -m scripts.fuzz.child <target> <libFuzzer's arguments>``.

Our own modules and the parsers written in Python are instrumented, so that libFuzzer keeps inputs
that reach new code. FFmpeg and protobuf are not: they are driven through what is.
"""

from __future__ import annotations

import sys

import atheris

_INSTRUMENTED = ["whisper_endpoint", "contract", "python_multipart"]

with atheris.instrument_imports(include=_INSTRUMENTED):
    from scripts.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    name, *arguments = sys.argv[1:]
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
