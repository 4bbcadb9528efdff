# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Use unmodified Amazon Transcribe clients with a stack's API for recordings."""

import argparse
import json
import shlex
from pathlib import Path

from live_whisper import post_call_analytics
from live_whisper.commands import DONE
from live_whisper.commands.jobs import add_stack, jobs_of
from live_whisper.errors import CallFileError

NAME, HELP = "transcribe-api", "use Amazon Transcribe clients (boto3, AWS CLI) with a stack"

_MODEL = Path("transcribe", "2017-10-26", "service-2.sdk-extras.json")
_EXTRAS = {"version": 1.0, "merge": {"metadata": {"signingName": "execute-api"}}}
"""API Gateway only accepts signatures for itself; botocore merges this file into its model."""

_FOLDER = Path("~/.aws/whisper-sagemaker")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    commands = parser.add_subparsers(required=True, metavar="ACTION")
    about = "write the botocore file for such clients and print two environment variables"
    setup = commands.add_parser("setup", help=about, description=about)
    setup.add_argument(
        "--to",
        type=Path,
        default=_FOLDER,
        metavar="FOLDER",
        help=f"target folder (default: {_FOLDER})",
    )
    about = "add the file and the API's address to a checkout of Post Call Analytics"
    overlay = commands.add_parser("pca", help=about, description=about)
    overlay.add_argument(
        "folder", type=Path, metavar="FOLDER", help="folder pca-server of the checkout"
    )
    for command, act in ((setup, _set_up), (overlay, _overlay)):
        command.set_defaults(act=act)
        add_stack(command)


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action for a stack's API."""
    arguments.act(arguments, jobs_of(arguments).api_url)
    return DONE


def _set_up(arguments: argparse.Namespace, url: str) -> None:
    """Write the file, and print the variables to set in a shell."""
    folder = arguments.to.expanduser().absolute()
    _write(folder / _MODEL, json.dumps(_EXTRAS))
    print(f"export AWS_DATA_PATH={shlex.quote(str(folder))}")
    print(f"export AWS_ENDPOINT_URL_TRANSCRIBE={shlex.quote(url)}/transcribe")


def _overlay(arguments: argparse.Namespace, url: str) -> None:
    """Patch the templates and write the file, or change nothing; print the files written."""
    folder = arguments.folder.expanduser().absolute()
    files = post_call_analytics.patched(folder, url)
    files[folder / post_call_analytics.CODE_FOLDER / _MODEL] = json.dumps(_EXTRAS)
    for path, text in files.items():
        _write(path, text)
        print(path)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CallFileError(f"{path} cannot be written ({error.strerror}).") from None
