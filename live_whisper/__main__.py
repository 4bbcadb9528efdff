# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``whisper-sagemaker``, also ``python -m live_whisper``: speech to text on your own endpoint."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

try:
    from live_whisper.commands import console, exit_status, jobs, live, transcribe, transcribe_api
except ModuleNotFoundError as missing:
    sys.stderr.write(
        f"{missing.name} is not installed for {sys.executable}; run: pip install . (in a checkout "
        "after make setup: .venv/bin/python -m live_whisper)\n"
    )
    sys.exit(2)
except KeyboardInterrupt:
    sys.stderr.write("Stopped; nothing is left running.\n")
    sys.exit(130)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit statuses are those of `live_whisper.commands.exit_status`."""
    parser = argparse.ArgumentParser(
        prog="whisper-sagemaker", description="Speech to text on your own Whisper endpoint."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (live, transcribe, jobs, transcribe_api, console):
        summary = str(command.__doc__).partition("\n")[0]
        one = commands.add_parser(command.NAME, help=command.HELP, description=summary)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    arguments = parser.parse_args(argv)
    return exit_status(lambda: int(arguments.run(arguments)))


def _version() -> str:
    try:
        return version("whisper-live-sagemaker")
    except PackageNotFoundError:
        return "of a checkout"


if __name__ == "__main__":
    sys.exit(main())
