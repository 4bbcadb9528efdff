# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The process that is fuzzed: ``python -m tests.fuzz.child <target> <libFuzzer's arguments>``.

Our own modules and the parsers written in Python are instrumented, so that libFuzzer keeps inputs
that reach new code. FFmpeg and protobuf are not: they are driven through what is.
"""

import os
import sys

_INSTRUMENTED = ["whisper_endpoint", "whisper_contract", "python_multipart"]


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    # Linux carries a process's peak of memory through exec, not through fork: without this the
    # peak that libFuzzer limits and reports is that of our parent, if that was larger.
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        sys.exit(abs(os.waitstatus_to_exitcode(status)))
    # Imported here: threads that an import starts are not there after a fork, and waited for.
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED):
        from tests.fuzz.targets import TARGETS
    name, *arguments = sys.argv[1:]
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
