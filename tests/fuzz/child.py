# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The process that is fuzzed: ``python -m tests.fuzz.child <target> <libFuzzer's arguments>``.

Our own modules and the parsers written in Python are instrumented, so that libFuzzer keeps inputs
that reach new code. FFmpeg and protobuf are not: they are driven through what is.

Its memory may grow by 400 MB from when it is ready, and no input takes it longer than its target
allows.
"""

import os
import sys

import psutil

MOST_MB = 400
"""By how much a process may be larger than when it was ready and idle."""
# Atheris 3 keeps what an instrumented comparison returns: of an hour of samples that is 58 MB.
_NOT_INSTRUMENTED = ["whisper_endpoint.audio.duplicated_samples", "whisper_endpoint.audio.speech"]
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
