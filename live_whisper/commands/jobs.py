# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Transcribe recordings of any length as jobs of a stack with EnableRecordings."""

import argparse
import datetime
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from live_whisper.commands import (
    DONE,
    FAILED,
    add_speakers,
    going_on,
    language,
    say,
    speakers_of,
)
from live_whisper.errors import CallFileError, JobRefused
from live_whisper.transport.recordings import RecordingJobs

NAME, HELP = "jobs", "transcribe recordings of any length as jobs of a stack"

FORMATS = ("json", "verbose_json", "srt", "vtt", "txt", "transcribe", "segments", "chunks")
STACK = "RECORDINGS_STACK"
"""Environment variable with the default stack."""

POLL_SECONDS = 5.0
_RUNNING = ("SUBMITTED", "CONVERTING", "TRANSCRIBING")
_S3 = "s3://"
# Of a file, in bytes, without the 9 that S3's client adds while it downloads.
_LONGEST_NAME = 255 - 9
_PERHAPS = "the request may have been sent all the same: see whisper-sagemaker jobs list."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's subcommands."""
    commands = parser.add_subparsers(required=True, metavar="ACTION")

    submit = _command(
        commands, "submit", "submit a local file, an object in S3, or an https address", _submit
    )
    submit.add_argument("recording", metavar="FILE|s3://…|https://…", help="audio or video file")
    _add_form(submit)
    submit.add_argument(
        "--webhook", metavar="URL", help="https address to notify when the job ends"
    )
    submit.add_argument("--wait", action="store_true", help="wait until the job ends")

    for name, help_, run_ in (
        ("status", "show a job and its progress", _status),
        ("cancel", "cancel a running job", _cancel),
        ("resend", "notify the webhook of a finished job again", _resend),
    ):
        _command(commands, name, help_, run_).add_argument("id", metavar="ID")

    listed = _command(commands, "list", "list jobs, newest first", _list)
    listed.add_argument("--status", choices=(*_RUNNING, "SUCCEEDED", "FAILED", "CANCELLED"))
    listed.add_argument(
        "--limit", type=int, default=20, help="number of jobs, at most 100 (default: 20)"
    )

    fetch = _command(commands, "fetch", "download a job's transcripts", _fetch)
    fetch.add_argument("id", metavar="ID")
    fetch.add_argument(
        "--to", type=Path, default=Path(), metavar="FOLDER", help="target folder (default: .)"
    )
    fetch.add_argument("--overwrite", action="store_true", help="replace files of the same names")

    batch = _command(commands, "batch", "transcribe a prefix or a manifest", _batch)
    batch.add_argument("source", metavar="s3://…", help="prefix, or .csv or .json manifest")
    batch.add_argument("--name", help="name of an earlier batch, to resume it")
    _add_form(batch)
    batch.add_argument("--wait", action="store_true", help="wait until all jobs end")


def run(arguments: argparse.Namespace) -> int:
    """Run a subcommand."""
    return int(arguments.action(arguments, jobs_of(arguments)))


def add_stack(parser: argparse.ArgumentParser) -> None:
    """Add the options that identify a stack with recordings."""
    parser.add_argument(
        "--stack",
        default=os.environ.get(STACK),
        metavar="NAME",
        help=f"name of the stack (default: the environment variable {STACK})",
    )
    parser.add_argument("--region", help="AWS Region (default: from the environment)")


def jobs_of(arguments: argparse.Namespace) -> RecordingJobs:
    """Return the jobs of the stack in the options.

    Raises
    ------
    JobRefused
        There is no stack in the options.
    RecordingsUnusable
    """
    if not arguments.stack:
        raise JobRefused(f"Give the name of the stack with --stack, or set {STACK}.")
    return RecordingJobs(arguments.stack, arguments.region)


def _command(
    commands: Any, name: str, help_: str, action: Callable[[argparse.Namespace, RecordingJobs], int]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_, description=help_)
    add_stack(parser)
    parser.set_defaults(action=action)
    return parser


def _add_form(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        action="append",
        choices=FORMATS,
        default=[],
        dest="formats",
        help="format of the transcript; may be repeated (default: the stack's)",
    )
    parser.add_argument(
        "--language",
        type=language,
        metavar="CODE",
        help="spoken language, such as en (default: detected)",
    )
    add_speakers(parser)


def _form(arguments: argparse.Namespace) -> dict[str, Any]:
    parameters: dict[str, Any] = speakers_of(arguments)
    if arguments.language is not None:
        parameters["language"] = arguments.language
    return {"formats": arguments.formats, "parameters": parameters}


def _submit(arguments: argparse.Namespace, jobs: RecordingJobs) -> int:
    recording, webhook = arguments.recording, arguments.webhook
    if webhook is not None and not webhook.startswith("https://"):
        raise JobRefused(f"Give --webhook as https://host/path; it is {webhook!r:.200}.")
    source = _source(recording, jobs)
    hook = {"webhook": {"url": webhook}} if webhook else {}
    # AWS's SDK sends again what was not answered: the token makes that the same job.
    token = {"client_token": uuid.uuid4().hex}
    with going_on(_PERHAPS):
        job = jobs.ask("submit", **source, **hook, **_form(arguments), **token)["job"]
    if not arguments.wait:
        print(job["id"])
        return DONE
    say(job["id"])
    with going_on(
        f"the job continues: jobs status {job['id']} shows its progress, jobs cancel "
        f"{job['id']} cancels it."
    ):
        return _waited_for(job["id"], jobs)


def _source(recording: str, jobs: RecordingJobs) -> dict[str, str]:
    """Return a recording as a request names it; a file of this machine is uploaded."""
    if recording.startswith(_S3):
        return {"s3_uri": recording}
    if "://" in recording:
        return {"url": recording}
    return {"s3_uri": _uploaded(Path(recording), jobs)}


def _uploaded(path: Path, jobs: RecordingJobs) -> str:
    try:
        if not path.is_file() and path.exists():  # opening a pipe would wait
            raise CallFileError(f"{path} is no file; give one with a recording.")
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as error:
        raise CallFileError(f"{path} cannot be read ({error.strerror}); check its name.") from None
    if size == 0:
        raise CallFileError(f"{path} is empty (0 bytes); record it again.")
    columns = (TextColumn("uploading {task.description}", markup=False), BarColumn())
    with _progress(*columns, DownloadColumn()) as progress:
        task = progress.add_task(path.name, total=size)
        return jobs.upload(path, lambda sent: progress.advance(task, sent))


def _waited_for(job_id: str, jobs: RecordingJobs) -> int:
    columns = (TextColumn("{task.description}", markup=False), BarColumn())
    with _progress(*columns) as progress:
        task = progress.add_task("SUBMITTED", total=1.0)
        while True:
            job = jobs.ask("status", id=job_id)["job"]
            done = job.get("progress", 0.0)
            progress.update(task, description=job["status"].lower(), completed=done)
            if job["status"] not in _RUNNING:
                break
            time.sleep(POLL_SECONDS)
    return _ended(job)


def _ended(job: dict[str, Any]) -> int:
    """Print an ended job's files or its error; return the exit status."""
    for warning in job.get("warnings", ()):
        say(_printable(warning))
    for uri in job.get("outputs", {}).values():
        print(_printable(uri))
    if job["status"] == "SUCCEEDED":
        return DONE
    say(_printable(job.get("error", job["status"])))
    return FAILED


def _status(arguments: argparse.Namespace, jobs: RecordingJobs) -> int:
    job = jobs.ask("status", id=arguments.id)["job"]
    print(_line(job))
    return DONE if job["status"] in _RUNNING else _ended(job)


def _cancel(arguments: argparse.Namespace, jobs: RecordingJobs) -> int:
    with going_on(_PERHAPS):
        print(_line(jobs.ask("cancel", id=arguments.id)["job"]))
    return DONE


def _resend(arguments: argparse.Namespace, jobs: RecordingJobs) -> int:
    with going_on(_PERHAPS):
        print(_line(jobs.ask("resend", id=arguments.id)["job"]))
    return DONE


def _list(arguments: argparse.Namespace, jobs: RecordingJobs) -> int:
    wanted: dict[str, Any] = {}
    if arguments.status is not None:
        wanted["status"] = arguments.status
    left = arguments.limit
    while True:
        answer = jobs.ask("list", limit=left, **wanted)
        for job in answer["jobs"]:
            print(_line(job))
        left -= len(answer["jobs"])
        # An answer ends where Lambda's would be too long.
        if not left or "next" not in answer:
            return DONE
        wanted["next"] = answer["next"]


def _line(job: dict[str, Any]) -> str:
    submitted = datetime.datetime.fromtimestamp(job.get("submitted_at", 0), datetime.UTC)
    share = f"{job.get('progress', 0.0):4.0%}"
    when = submitted.strftime("%Y-%m-%d %H:%M")
    return f"{job['id']}  {when}  {job['status']:12}  {share}  {_printable(job['source'])}"


def _printable(text: str) -> str:
    """Return a text as one line: whoever uploads a recording chooses its name."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _fetch(arguments: argparse.Namespace, jobs: RecordingJobs) -> int:
    job = jobs.ask("status", id=arguments.id)["job"]
    if job["status"] != "SUCCEEDED":
        if job["status"] in _RUNNING:
            raise JobRefused(f"The job {job['id']} is still running: wait until it ends.")
        return _ended(job)
    try:
        arguments.to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CallFileError(
            f"{arguments.to} cannot be created ({error.strerror}); give another folder with --to."
        ) from None
    paths = {uri: arguments.to / _local_name(job, uri) for uri in job["outputs"].values()}
    there = next((path for path in paths.values() if os.path.exists(path)), None)  # noqa: PTH110
    if there is not None and not arguments.overwrite:
        raise CallFileError(
            f"{there} exists; give another folder with --to, or --overwrite to replace it."
        )
    for uri, path in paths.items():
        jobs.download(uri, path)
        print(path)
    return DONE


def _local_name(job: dict[str, Any], uri: str) -> str:
    """Return the name of the recording with what an output adds, or what the caller chose.

    With the job's ID in place of a recording's name that is too long for another suffix.
    """
    written = uri.rpartition("/")[2]
    if not written.startswith(job["id"]):
        return written
    source: str = job["source"]
    name = source.rpartition("/")[2] + written.removeprefix(job["id"])
    return name if len(os.fsencode(name)) <= _LONGEST_NAME else written


def _batch(arguments: argparse.Namespace, jobs: RecordingJobs) -> int:
    if not arguments.source.startswith(_S3):
        raise JobRefused(
            f"{arguments.source:.200} is not in S3: upload the recordings, or the manifest, and "
            "give its address as s3://bucket/…"
        )
    is_manifest = arguments.source.endswith((".csv", ".json"))
    source = {"manifest" if is_manifest else "prefix": arguments.source}
    # Named here, so that a request that AWS's SDK sends again continues the same batch.
    named = {"name": arguments.name or uuid.uuid4().hex}
    with going_on(_PERHAPS):
        name = jobs.ask("batch", **source, **named, **_form(arguments))["batch"]
    print(name)
    if not arguments.wait:
        return DONE
    with going_on(f"the batch continues: --name {name} --wait waits for it again."):
        return _all_waited_for(name, jobs)


def _all_waited_for(name: str, jobs: RecordingJobs) -> int:
    with _progress(TextColumn("{task.description}", markup=False)) as progress:
        task = progress.add_task("reading the list", total=None)
        while True:
            time.sleep(POLL_SECONDS)  # a run that has just started may not be listed yet
            answer = jobs.ask("batch-status", name=name)
            counts = answer["counts"]
            said = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
            progress.update(task, description=said or "reading the list")
            if not answer["running"]:
                break
    print(said or "There was no recording.")
    if "failure" in answer:
        say(answer["failure"])
        return FAILED
    return FAILED if set(counts) & {"FAILED", "CANCELLED"} else DONE


def _progress(*columns: Any) -> Progress:
    """Return a transient progress line; disabled if standard error is not a terminal."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
