# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests for a job: from an upload event, a caller, or a row of a batch."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from recordings.errors import InvalidJob
from recordings.settings import TRANSCRIPTS
from recordings.sources import is_dotted
from recordings.transcripts import FORMS
from recordings.web_address import is_url
from recordings.webhooks.target import webhook
from whisper_contract import request_schema
from whisper_contract.combinations import contradictions
from whisper_contract.schema_words import describe, quote, unknown

_S3_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.DOTALL)
_ID = re.compile(r"[0-9a-f]{32}")
_CREATED = "Object Created"
OWN_PARAMETERS = ("response_format", "timestamp")
"""Contract parameters that jobs do not take: `formats` and timestamp_granularities replace them."""

NOT_FOR_JOBS = ("known_speaker_names", "known_speaker_references")
"""Contract parameters whose values must not be kept, as a job's are."""

BYTE_ORDER_MARK = "\ufeff"
"""What spreadsheets write at the beginning of a CSV manifest."""

# SageMaker takes 128,000 bytes of an asynchronous request, with addresses and the defaults.
_MOST_PARAMETER_BYTES = 120_000
_LONGEST_KEY = 1024
_LONGEST_OUTPUT_KEY = 1000
"""Bytes: leaves room for the longer suffixes of other formats."""
LONGEST_BATCH = 64
"""Characters of a batch's name, the prefix of execution names, which have at most 80."""

_SYSTEM_NAMES = {
    "thumbs.db",
    "desktop.ini",
    "__macosx",
    "$recycle.bin",
    "system volume information",
}
"""Files and folders that operating systems add, in lower case; hidden ones begin with a dot."""


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """A validated request for a job.

    Attributes
    ----------
    bucket, key : str
        The recording in S3; both empty if it is at `url`.
    url : str
    version, etag, sequencer : str
        From an upload event, empty otherwise.
    parameters : dict
        As in the contract; empty: the deployment's.
    formats : tuple of str
        Empty: the deployment's.
    id : str
        Id of the job, if the caller chose it.
    batch : str
        Name of its batch, or empty.
    name, output_key, webhook, asked
        As in `RecordingJob`.
    """

    bucket: str = ""
    key: str = ""
    url: str = ""
    version: str = ""
    etag: str = ""
    sequencer: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    id: str = ""
    batch: str = ""
    name: str = ""
    output_key: str = ""
    webhook: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_input(cls, given: Mapping[str, Any]) -> "JobRequest":
        """Parse the input of an execution, from any source.

        Raises
        ------
        InvalidJob
        """
        if given.get("detail-type") == _CREATED:
            return cls._from_upload(given["detail"])
        if "listed" in given:
            return cls._from_fields({**_listed(given["listed"]), **given})
        row = given.get("row", {})
        if not isinstance(row, dict):
            raise InvalidJob(f'Give each row of a manifest as {{"s3_uri": …}}; it is {row!r:.200}.')
        # Empty cells of a manifest's row count as absent.
        row = {name.lstrip(BYTE_ORDER_MARK).strip(): one for name, one in row.items() if one}
        return cls.from_document({**given, **row, "batch": given.get("batch")})

    @classmethod
    def _from_upload(cls, detail: Mapping[str, Any]) -> "JobRequest":
        stored = detail["object"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=stored["key"],
            version=stored.get("version-id", ""),
            etag=stored.get("etag", ""),
            sequencer=stored.get("sequencer", ""),
        )

    @classmethod
    def from_document(cls, given: Mapping[str, Any]) -> "JobRequest":
        """Parse ``{"s3_uri" or "url", "parameters", "formats", "language", "id", "batch", …}``.

        In a CSV manifest every value is text: `parameters` may be JSON, and `formats` a list
        separated by spaces.

        Raises
        ------
        InvalidJob
        """
        request = cls._from_fields(given)
        # Uploads and listings may be left alone; here a caller expects an answer.
        if request.key.endswith("/"):
            raise InvalidJob(
                f"Give s3_uri as the address of a recording; {request.key:.200} is a folder."
            )
        return request

    @classmethod
    def _from_fields(cls, given: Mapping[str, Any]) -> "JobRequest":
        request = cls(
            **_source(given),
            etag=_text(given, "etag").strip('"'),
            parameters=_parameters(given),
            formats=_formats(given.get("formats") or []),
            id=_text(given, "id"),
            batch=_text(given, "batch"),
            name=_text(given, "name"),
            output_key=_output_key(given),
            webhook=webhook(given.get("webhook")),
            asked=_object(given, "asked"),
        )
        if request.id and not _ID.fullmatch(request.id):
            raise InvalidJob(f"Give id as 32 hexadecimal digits; it is {request.id!r:.200}.")
        if len(request.batch) > LONGEST_BATCH:
            raise InvalidJob(f"Give a batch {LONGEST_BATCH} characters at most.")
        return request

    def job_id(self) -> str:
        """Return the id of the job; equal requests get equal ids."""
        if self.id:
            return self.id
        place = [self.bucket, self.key] if not self.url else [self.url]
        same: list[Any] = [*place, self.version or self.etag, self.sequencer]
        if not self.sequencer:
            same += [self.parameters, self.formats, self.batch]
        return digest(same)


def is_left_alone(given: Mapping[str, Any]) -> bool:
    """Return whether the input of an execution is an upload or a listed object but no recording.

    It is the marker of a folder, or a hidden or system file. What a caller names is never left
    alone.
    """
    if given.get("detail-type") == _CREATED:
        key = given["detail"]["object"]["key"]
    elif "listed" in given:
        key = given["listed"]["object"]["Key"]
    else:
        return False
    return key.endswith("/") or is_hidden(key)


def is_hidden(key: str) -> bool:
    """Return whether a key is that of a hidden or system file, or is in such a folder."""
    names = set(key.lower().split("/")) - {".", ".."}
    return any(name.startswith(".") or name in _SYSTEM_NAMES for name in names)


def digest(value: Any) -> str:
    """Return the first 32 hexadecimal digits of a JSON value's SHA-256."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _listed(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of an object listed by the distributed map."""
    item = found["object"]
    etag = item.get("Etag") or item.get("ETag") or ""  # the map's spelling, and S3's own
    return {"s3_uri": f"s3://{found['bucket']}/{item['Key']}", "etag": etag}


def _source(given: Mapping[str, Any]) -> dict[str, str]:
    """Return where the recording is: ``bucket`` and ``key``, or ``url``."""
    uri, url = given.get("s3_uri") or "", given.get("url") or ""
    if url and not uri:
        if not isinstance(url, str) or not is_url(url):
            raise InvalidJob(f"Give url as https://host/path of a recording; it is {url!r:.200}.")
        return {"url": url}
    if url:
        raise InvalidJob("Give either s3_uri or url, not both.")
    match = _S3_URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None or len(match[2].encode(errors="replace")) > _LONGEST_KEY:
        raise InvalidJob(f"Give s3_uri as s3://bucket/key of a recording; it is {uri!r:.200}.")
    return {"bucket": match[1], "key": match[2]}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name) or ""
    if not isinstance(value, str):
        raise InvalidJob(f"Give {name} as a text; it is {value!r:.200}.")
    return value


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name) or {}
    if not isinstance(value, dict):
        raise InvalidJob(f"Give {name} as an object; it is {value!r:.200}.")
    return dict(value)


def _output_key(given: Mapping[str, Any]) -> str:
    key = _text(given, "output_key")
    if key and (not key.startswith(TRANSCRIPTS) or is_dotted(key)):
        raise InvalidJob(
            f"Give an output key below {TRANSCRIPTS}, where transcripts are written, without . or "
            ".. between its slashes."
        )
    if len(key.encode(errors="replace")) > _LONGEST_OUTPUT_KEY:
        raise InvalidJob(
            f"Give an output key of {_LONGEST_OUTPUT_KEY} bytes at most, with its file's name."
        )
    return key


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters, checked against the contract's schema."""
    parameters = given.get("parameters") or {}
    if isinstance(parameters, str):
        try:
            parameters = json.loads(parameters)
        except (ValueError, RecursionError):
            raise InvalidJob(f"Give parameters as JSON; it is {parameters!r:.200}.") from None
    if not isinstance(parameters, dict):
        raise InvalidJob(f"Give parameters as an object; it is {parameters!r:.200}.")
    if given.get("language"):
        parameters = {**parameters, "language": given["language"]}
    _require_for_jobs(parameters)
    schema = request_schema()
    whole = {"$ref": "#/$defs/parameters", "$defs": schema["$defs"]}
    for problem in Draft202012Validator(whole).iter_errors(parameters):
        raise InvalidJob(correction(problem, "parameters"))
    if (size := len(json.dumps(parameters))) > _MOST_PARAMETER_BYTES:
        raise InvalidJob(
            f"Shorten parameters, such as terms: as JSON they have {size:,} bytes, and those of a "
            f"job may have {_MOST_PARAMETER_BYTES:,}."
        )
    return parameters


def merged_parameters(defaults: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's parameters with the deployment's defaults.

    Raises
    ------
    InvalidJob
        Together, they contradict each other.
    """
    merged = {**defaults, **parameters}
    for _, sentence in contradictions(merged):
        raise InvalidJob(sentence)
    return merged


def _require_for_jobs(parameters: Mapping[str, Any]) -> None:
    for name in OWN_PARAMETERS:
        if name in parameters:
            raise InvalidJob(
                f"Leave out parameters.{name}: the job's formats determine what is written."
            )
    for name in NOT_FOR_JOBS:
        if parameters.get(name):
            raise InvalidJob(
                f"Leave out parameters.{name}: a job is stored, and nobody's voice may be; send "
                "the recording to the endpoint itself."
            )


def correction(problem: ValidationError, *path: str) -> str:
    """Return the sentence about a field that its schema refuses.

    In place of a pattern without an example it has the field's description.
    """
    schema, given = problem.schema, problem.instance
    where = ".".join([*path, *map(str, problem.absolute_path)])
    inside = f"{where}." if where else ""
    if problem.validator == "additionalProperties":
        name = next(name for name in given if name not in schema["properties"])
        there = quote(f"{inside}{name:.100}")
        return f"There is no field {there}: {unknown(name, schema['properties'])}"
    if problem.validator == "required":
        name = next(name for name in schema["required"] if name not in given)
        return f"Give {inside}{name}, which is missing."
    allowed = describe(schema)
    if problem.validator == "pattern" and "examples" not in schema:
        said = schema["description"].partition(". ")[0].rstrip(".")
        allowed = said[0].lower() + said[1:]
    return f"Correct {where:.200}: it is {quote(given)}; use {allowed}."


def _formats(given: Any) -> tuple[str, ...]:
    names = re.split(r"[ ,;]+", given.strip()) if isinstance(given, str) else given
    for name in names if isinstance(names, list | tuple) else [names]:
        if not isinstance(name, str) or name not in FORMS:
            known = ", ".join(FORMS)
            raise InvalidJob(f"Give formats from {known}; {name!r:.80} is not one of them.")
    return tuple(dict.fromkeys(names))
