# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Clients of Amazon Transcribe, as they are, on a stack's recordings."""

import argparse
import json
import os
import shlex
from pathlib import Path

from live_whisper.commands import DONE
from live_whisper.commands.jobs import STACK
from live_whisper.errors import CallFileError, JobRefused
from live_whisper.transport.recordings import RecordingJobs

NAME, HELP = "transcribe-api", "point boto3's and the AWS CLI's transcribe client at a stack"

_MODEL = Path("transcribe", "2017-10-26", "service-2.sdk-extras.json")
_EXTRAS = {"version": 1.0, "merge": {"metadata": {"signingName": "execute-api"}}}
"""API Gateway takes signatures for itself alone; botocore reads this beside its own model."""

_FOLDER = Path("~/.aws/whisper-sagemaker")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    commands = parser.add_subparsers(required=True, metavar="ACTION")
    about = "write the file that makes them sign for the API, and print two variables"
    setup = commands.add_parser("setup", help=about, description=about)
    setup.add_argument(
        "--stack",
        default=os.environ.get(STACK),
        metavar="NAME",
        help=f"the stack that transcribes recordings (default: {STACK})",
    )
    setup.add_argument("--region", help="AWS region (default: from the environment)")
    setup.add_argument(
        "--to", type=Path, default=_FOLDER, metavar="FOLDER", help=f"default: {_FOLDER}"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the file, and print what a shell has to be told."""
    if not arguments.stack:
        raise JobRefused(f"Give --stack, the stack that transcribes recordings, or set {STACK}.")
    url = RecordingJobs(arguments.stack, arguments.region).api_url
    folder = arguments.to.expanduser().absolute()
    path = folder / _MODEL
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_EXTRAS), encoding="utf-8")
    except OSError as error:
        raise CallFileError(f"{path} cannot be written ({error.strerror}).") from None
    print(f"export AWS_DATA_PATH={shlex.quote(str(folder))}")
    print(f"export AWS_ENDPOINT_URL_TRANSCRIBE={shlex.quote(url)}/transcribe")
    return DONE
