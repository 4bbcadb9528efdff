# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``whisper-sagemaker``, also ``python -m live_whisper``: speech to text on your own endpoint."""

import argparse
import sys
from collections.abc import Sequence

try:
    from live_whisper.commands import console, exit_status, jobs, live, transcribe, transcribe_api
except ModuleNotFoundError as missing:
    sys.stderr.write(
        f"{missing.name} is not installed for {sys.executable}; run: pip install . (in a checkout "
        "after make setup: .venv/bin/python -m live_whisper)\n"
    )
    sys.exit(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit statuses are those of `live_whisper.commands.exit_status`."""
    parser = argparse.ArgumentParser(
        prog="whisper-sagemaker", description="Speech to text on your own Whisper endpoint."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (live, transcribe, jobs, transcribe_api, console):
        summary = str(command.__doc__).partition("\n")[0]
        one = commands.add_parser(command.NAME, help=command.HELP, description=summary)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    arguments = parser.parse_args(argv)
    return exit_status(lambda: int(arguments.run(arguments)))


if __name__ == "__main__":
    sys.exit(main())
