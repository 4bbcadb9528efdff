# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The fuzzed process: ``python -m tests.fuzz.child <target> <libFuzzer's arguments>``.

Our modules and Python parsers are instrumented, so that libFuzzer keeps inputs that reach new code.
FFmpeg and protobuf are not: they are exercised through ours.
Memory may grow by 400 MB after start-up, and every input has a time limit per
target.
allows.
"""

import os
import sys

import psutil

MOST_MB = 400
"""Allowed growth of the process since it was ready and idle."""
# Atheris 3 retains results of instrumented comparisons: 58 MB for an hour of samples.
_NOT_INSTRUMENTED = ["whisper_endpoint.audio.duplicated_samples", "whisper_endpoint.audio.speech"]
_INSTRUMENTED = ["whisper_endpoint", "whisper_contract", "python_multipart"]


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    # On Linux, exec inherits a process's peak memory, fork does not: otherwise libFuzzer would
    # limit and report our parent's peak, if larger.
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        sys.exit(abs(os.waitstatus_to_exitcode(status)))
    # Imported after the fork, since threads started by imports do not survive it.
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED, exclude=_NOT_INSTRUMENTED):
        from tests.fuzz.targets import IDLE, bounded
    name, *arguments = sys.argv[1:]
    target = bounded(name)
    for data in IDLE[name]:
        target(data)
    idle = psutil.Process().memory_info().rss // 2**20
    print(f"stat::idle_rss_mb: {idle}", flush=True)
    atheris.Setup([sys.argv[0], *arguments, f"-rss_limit_mb={idle + MOST_MB}"], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
