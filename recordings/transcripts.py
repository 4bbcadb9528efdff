# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Render the endpoint's answer in a job's formats, and name the files."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError

from recordings.errors import InvalidJob, NotTranscribed
from recordings.job import RecordingJob
from recordings.settings import INCOMING, TRANSCRIPTS, UPLOADS
from whisper_contract import formats
from whisper_contract.formats import protobuf
from whisper_contract.transcript import Transcript

_LONGEST_KEY = 1024
"""Maximum length of an S3 key, in bytes."""


@dataclass(frozen=True)
class WrittenForm:
    """A format that a job can write.

    Attributes
    ----------
    name : str
        The contract's name of the format.
    suffix : str
        File suffix with its dot, unique per format.
    """

    name: str
    suffix: str


FORMS = {
    "json": WrittenForm("lca", ".json"),
    "verbose_json": WrittenForm("verbose_json", ".verbose.json"),
    "srt": WrittenForm("srt", ".srt"),
    "vtt": WrittenForm("vtt", ".vtt"),
    "txt": WrittenForm("text", ".txt"),
    "transcribe": WrittenForm("transcribe", ".transcribe.json"),
    "segments": WrittenForm("segments", ".segments.json"),
    "chunks": WrittenForm("chunks", ".chunks.json"),
}
"""Values of a job's ``formats``: ``json`` is the endpoint's own format, with segments."""

OF_THE_FORM = ("timestamp_granularities", "include_segments", "max_line_width", "max_line_count")
"""Parameters that only affect how a transcript is rendered."""


def read(answer: bytes) -> Transcript:
    """Parse the endpoint's answer.

    Raises
    ------
    NotTranscribed
        It is not a transcript.
    """
    try:
        return protobuf.read(answer)
    except DecodeError:
        raise NotTranscribed(
            "The endpoint's answer is not a transcript: check that the endpoint runs this program."
        ) from None


def render(transcript: Transcript, job: RecordingJob, form: str) -> tuple[bytes, str]:
    """Render a transcript.

    Parameters
    ----------
    form : str
        A key of `FORMS`.

    Returns
    -------
    tuple of bytes and str
        File content and media type.
    """
    given = {name: job.parameters[name] for name in OF_THE_FORM if name in job.parameters}
    if "timestamp_granularities" in given:
        given["timestamp_granularities"] = tuple(given["timestamp_granularities"])
    wanted = formats.Form(
        response_format=FORMS[form].name,
        task=job.parameters.get("task", "transcribe"),
        job_name=job.known_as,
        **given,
    )
    return formats.render(transcript, wanted), formats.content_type(wanted)


def needs_words(job_formats: tuple[str, ...], parameters: dict[str, Any]) -> bool:
    """Return whether any requested format needs word timestamps."""
    granularities = parameters.get("timestamp_granularities", ())
    return (
        bool(parameters.get("word_timestamps"))
        or "word" in granularities
        or parameters.get("timestamp") == "word"
        or parameters.get("max_line_count") is not None
        or any(
            formats.FORMATS[FORMS[one].name].words is formats.Words.ALWAYS for one in job_formats
        )
    )


def claimed_uris(job: RecordingJob, own_bucket: str) -> tuple[str, ...]:
    """Return the addresses that a job writes to and another may claim as its output key.

    Raises
    ------
    InvalidJob
        Two of its own formats would have the same file name.
    """
    keys = {key_of(job, form, own_bucket) for form in job.formats}
    if len(keys) < len(set(job.formats)):
        raise InvalidJob(
            "Give an output key that does not end in .json, or leave out one of the "
            f"formats: with {job.output_key:.300}, json and transcribe would be written to "
            "the same file."
        )
    return tuple(f"s3://{own_bucket}/{key}" for key in sorted(keys))


def key_of(job: RecordingJob, form: str, own_bucket: str) -> str:
    """Return the key of a file, unique by recording and job."""
    if job.output_key:
        stem = job.output_key.removesuffix(".json")
        return job.output_key if form == "transcribe" else f"{stem}{FORMS[form].suffix}"
    if job.url:
        return f"{TRANSCRIPTS}url/{urlsplit(job.url).hostname}/{job.id}{FORMS[form].suffix}"
    path = job.key if job.bucket == own_bucket else f"{job.bucket}/{job.key}"
    for prefix in (INCOMING, UPLOADS):
        if job.bucket == own_bucket:
            path = path.removeprefix(prefix)
    name = f"{job.id}{FORMS[form].suffix}"
    key = f"{TRANSCRIPTS}{path}/{name}"
    return key if len(key.encode()) <= _LONGEST_KEY else f"{TRANSCRIPTS}{name}"
