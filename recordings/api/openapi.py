# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The OpenAPI document of ``/jobs``, built on the contract's schemas; it validates requests."""

import functools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema import Draft202012Validator

from recordings.api.access import KEY_HEADER
from recordings.job import JobStatus
from recordings.jobs import MOST_LISTED
from recordings.paging import LATEST_S
from recordings.requests import NOT_FOR_JOBS, OWN_PARAMETERS
from recordings.transcripts import FORMS
from whisper_contract import request_schema

_SCHEMAS = "#/components/schemas/"
_DEFS = "#/$defs/"
_SECONDS = {"type": "number", "description": "Seconds since 1970."}
_TEXT = {"type": "string"}
_ANY = {"type": "object", "additionalProperties": True}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
SUBMISSIONS = {"s3_uri": "S3Submission", "url": "UrlSubmission"}
"""Schema of a submission by the field that says where the recording is."""

_REFUSALS = {
    400: "A field is missing, unknown or out of range, or the recording cannot be used.",
    401: "The request has neither a valid key nor a valid signature.",
    404: "There is no such job.",
    409: "The job has already ended, its recording has been replaced, its client token was used "
    "with different content, or its output key belongs to a running job.",
    500: "Internal error of the deployment; see its log.",
}


@functools.cache
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recordings on Whisper: jobs",
            "version": "1",
            "description": "Submit recordings, follow their progress and fetch their transcripts.",
        },
        "security": [{"key": []}, {"iam": []}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
                "iam": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4 for the service execute-api: by an "
                    "IAM identity or with the deployment's own key pair, depending on the stack's "
                    "parameter JobsApiAuthorization.",
                },
            },
        },
    }


@functools.cache
def validator(schema: str) -> Draft202012Validator:
    """Return the validator of one of the document's schemas."""
    components = document()["components"]
    return Draft202012Validator({"$ref": f"{_SCHEMAS}{schema}", "components": components})


def _paths() -> dict[str, Any]:
    submit = _operation("submitJob", "Submit a recording", "Job", 201, "Submission")
    submit["responses"]["201"]["links"] = {
        name: {"operationId": name, "parameters": {"id": "$response.body#/id"}}
        for name in ("getJob", "cancelJob", "resendWebhook")
    }
    listed = _operation("listJobs", "List jobs, newest first", "JobList")
    upload = "Get a URL for uploading a recording"
    resend = "Notify the webhook of a finished job again"
    return {
        "/jobs": {"post": submit, "get": {**listed, "parameters": _list_query()}},
        "/jobs/uploads": {
            "post": _operation("createUpload", upload, "Upload", 201, "NewUpload"),
        },
        "/jobs/openapi.json": {
            "get": {
                "operationId": "getDocument",
                "summary": "This document",
                "responses": _responses(200, _ANY),
            }
        },
        "/jobs/{id}": {
            "parameters": [_ID],
            "get": _operation("getJob", "Get a job's progress and transcripts", "Job"),
            "delete": _operation("cancelJob", "Cancel a job", "Job"),
        },
        "/jobs/{id}/resend": {
            "parameters": [_ID],
            "post": _operation("resendWebhook", resend, "Job", 202),
        },
    }


def _operation(
    name: str, summary: str, answer: str, status: int = 200, body: str = ""
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": _responses(status, {"$ref": f"{_SCHEMAS}{answer}"}),
    }
    if body:
        schema = {"$ref": f"{_SCHEMAS}{body}"}
        operation["requestBody"] = {"required": True, "content": _json(schema)}
    return operation


def _responses(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    refusals = {
        str(code): {"description": text, "content": _json({"$ref": f"{_SCHEMAS}Error"})}
        for code, text in {**_REFUSALS, 405: "The path does not support this method."}.items()
    }
    return {str(status): {"description": "Success.", "content": _json(schema)}, **refusals}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _list_query() -> list[dict[str, Any]]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": 20}
    before = {**_SECONDS, "minimum": 1, "maximum": LATEST_S}
    return [
        {"name": "status", "in": "query", "schema": _one_of(JobStatus)},
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "submitted_before", "in": "query", "schema": before},
        {
            "name": "next",
            "in": "query",
            "schema": _TEXT,
            "description": "Value of next in the previous page, requested with the same status.",
        },
    ]


def _schemas() -> dict[str, Any]:
    return {**_requests(), **_answers(), **_parameters()}


def _requests() -> dict[str, Any]:
    webhook = _object(
        {
            "url": {"type": "string", "description": "https address on a public IP address."},
            "headers": {
                "type": "object",
                "maxProperties": 20,
                "additionalProperties": _TEXT,
                "description": "Headers to send with each notification.",
            },
        },
        "url",
    )
    sources = {
        "s3_uri": "Recording in S3, as s3://bucket/key, below a prefix that the deployment may "
        "read.",
        "url": "https address of the recording, instead of s3_uri, if the stack allows it "
        "(AllowUrlSources).",
    }
    more = {
        "parameters": {"$ref": f"{_SCHEMAS}parameters"},
        "formats": {
            "type": "array",
            "items": _one_of(FORMS),
            "description": "Formats of the transcripts. Empty: the stack's RecordingsFormats.",
        },
        "webhook": {**webhook, "description": "Webhook to notify when the job ends."},
        "client_token": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "description": "Idempotency token: a request with the same token and content "
            "returns the same job; with different content it is refused with 409.",
        },
    }
    # Each alternative is whole: generators make no type of one that only says what is required.
    submissions = {
        SUBMISSIONS[name]: _object(
            {name: {"type": "string", "minLength": 1, "description": said}, **more}, name
        )
        for name, said in sources.items()
    }
    return {
        "Submission": {"oneOf": [{"$ref": f"{_SCHEMAS}{name}"} for name in submissions]},
        **submissions,
        "NewUpload": _object(
            {
                "name": {
                    "type": "string",
                    "pattern": r"^(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,200}$",
                    "description": "A file name of 1 to 200 characters, without slashes, "
                    "backslashes or control characters.",
                }
            },
            "name",
        ),
    }


def _answers() -> dict[str, Any]:
    texts = {"type": "object", "additionalProperties": _TEXT}
    delivery = _object({"at": _SECONDS, "status": {"type": "integer"}, "problem": _TEXT}, "at")
    share = {"type": "number", "minimum": 0, "maximum": 1}
    job = {
        "id": _TEXT,
        "name": _TEXT,
        "source": {"type": "string", "description": "Address of the recording."},
        "status": _one_of(JobStatus),
        "progress": {**share, "description": "Share of the recording that is transcribed."},
        "attempt": {"type": "integer"},
        "submitted_at": _SECONDS,
        "started_at": _SECONDS,
        "updated_at": _SECONDS,
        "ended_at": _SECONDS,
        "expires_at": {
            **_SECONDS,
            "description": "Seconds since 1970; after that the job is deleted.",
        },
        "seconds": {"type": "number", "description": "Length of the recording, in seconds."},
        "language": {"type": "string", "description": "Language that was given or detected."},
        "parameters": _ANY,
        "formats": {"type": "array", "items": _one_of(FORMS)},
        "outputs": {**texts, "description": "s3:// address of each format."},
        "output_urls": {**texts, "description": "Presigned URL of each, valid for an hour."},
        "warnings": {"type": "array", "items": _TEXT},
        "code": {"type": "string", "description": "Error code of a failed job."},
        "error": {"type": "string", "description": "Reason of the failure, with the remedy."},
        "webhook": _object({"url": _TEXT}, "url"),
        "deliveries": {
            "type": "array",
            "items": delivery,
            "description": "Attempts to notify the webhook.",
        },
        "batch": _TEXT,
        "bucket": _TEXT,
        "key": _TEXT,
        "version": _TEXT,
        "etag": _TEXT,
        "size": {"type": "integer", "description": "Size in bytes."},
        "output_key": _TEXT,
    }
    jobs = {"type": "array", "items": {"$ref": f"{_SCHEMAS}Job"}}
    more = {
        "type": "string",
        "description": "Token for the next page; absent on the last one.",
    }
    upload = {
        "s3_uri": {"type": "string", "description": "Address to submit after the upload."},
        "url": {"type": "string", "description": "URL to upload the file to, with PUT."},
        "expires_at": _SECONDS,
    }
    return {
        "Job": _object(job, "id", "status", "source"),
        "JobList": _object({"jobs": jobs, "next": more}, "jobs"),
        "Upload": _object(upload, *upload),
        "Error": _object({"error": _TEXT, "code": _TEXT}, "error", "code"),
    }


def _one_of(values: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    needed = {"required": list(required)} if required else {}
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **needed,
    }


def _parameters() -> dict[str, Any]:
    """Return the contract's parameters, and the schemas they refer to, as components."""
    definitions = request_schema()["$defs"]
    wanted, found = ["parameters"], {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            text = json.dumps(definitions[name])
            found[name] = json.loads(text.replace(_DEFS, _SCHEMAS))
            wanted += _references(definitions[name])
    properties = found["parameters"]["properties"]
    others = (*OWN_PARAMETERS, *NOT_FOR_JOBS)
    kept = {name: one for name, one in properties.items() if name not in others}
    found["parameters"] = {**found["parameters"], "properties": kept}
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if isinstance(schema, dict):
        for name, one in schema.items():
            if name == "$ref":
                yield one.removeprefix(_DEFS)
            else:
                yield from _references(one)
