# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Transcribe a whole file, in any format that the endpoint can decode."""

import argparse
import json
import os
import sys
from pathlib import Path

from live_whisper.audio.call_file import read_bytes
from live_whisper.commands import (
    DONE,
    add_endpoint,
    add_languages,
    add_redaction,
    add_speakers,
    add_terms,
    endpoint_name,
    language,
    speakers_of,
    terms_of,
)
from live_whisper.errors import EndpointUnusable
from live_whisper.sinks.progress import waiting
from live_whisper.transport import http, whole_files
from live_whisper.transport.refusals import is_page
from live_whisper.transport.sagemaker import SageMakerEndpoint

NAME, HELP = "transcribe", "transcribe an audio or video file"

FORMATS = {"text": "text", "srt": "srt", "vtt": "vtt", "json": "verbose_json"}
"""Values of ``--format``, and the endpoint's names for them."""
_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="audio or video file")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="address of an endpoint outside SageMaker")
    where.add_argument(
        "--endpoint-name", type=endpoint_name, metavar="NAME", help="SageMaker endpoint"
    )
    where.add_argument(
        "--openai-base-url",
        metavar="URL",
        help="server with OpenAI's API; the key is read from OPENAI_API_KEY",
    )
    add_endpoint(parser, is_required=False)
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="output format (default: text)"
    )
    parser.add_argument(
        "--language",
        type=language,
        metavar="CODE",
        help="spoken language, such as en (default: detected)",
    )
    add_languages(parser)
    add_speakers(parser)
    add_terms(parser)
    add_redaction(parser)


def run(arguments: argparse.Namespace) -> int:
    """Transcribe the file and write the answer to standard output."""
    # What is too large for SageMaker need not be read to its end.
    enough = None if arguments.endpoint_name is None else whole_files.MOST_BYTES + 1
    audio = read_bytes(arguments.file, "an audio file", enough)
    wanted = {"response_format": FORMATS[arguments.format]}
    if arguments.language is not None:
        wanted["language"] = arguments.language
    elif arguments.languages:
        wanted["languages"] = ",".join(arguments.languages)
    wanted |= {name: json.dumps(value) for name, value in speakers_of(arguments).items()}
    if arguments.redaction:
        wanted["redaction"] = "true"
    terms = ",".join(terms_of(arguments))
    with waiting(f"transcribing {arguments.file.name}"):
        if arguments.openai_base_url is not None:
            # OpenAI's own servers take expected names as a prompt.
            wanted |= {"prompt": terms} if terms else {}
            answer = _ask_as_openai(arguments.openai_base_url, arguments.file.name, audio, wanted)
        else:
            wanted |= {"terms": terms} if terms else {}
            answer = _ask(arguments, audio, wanted)
    _refuse_what_is_none(answer, arguments.format)
    sys.stdout.buffer.write(answer if answer.endswith(b"\n") else answer + b"\n")
    sys.stdout.flush()
    return DONE


def _refuse_what_is_none(answer: bytes, form: str) -> None:
    """Refuse a response that is not a transcript; silence is an empty text, not an error."""
    try:
        text = answer.decode().strip()
        is_one = {
            "text": lambda: not is_page(answer),
            "srt": lambda: not text or text[0].isdigit(),
            "vtt": lambda: text.startswith("WEBVTT"),
            "json": lambda: "text" in dict(json.loads(text)),
        }[form]()
    except (ValueError, TypeError):
        is_one = False
    if not is_one:
        raise EndpointUnusable(
            f"The answer is not a transcript in the format {form}; check the address of "
            "the endpoint."
        )


def _ask(arguments: argparse.Namespace, audio: bytes, wanted: dict[str, str]) -> bytes:
    if arguments.url is None:
        endpoint = SageMakerEndpoint(
            arguments.endpoint_name, arguments.endpoint_url, arguments.region
        )
        return whole_files.transcribe(endpoint, audio, str(arguments.file), wanted)
    headers = {
        "Content-Type": whole_files.CONTENT_TYPE,
        _ATTRIBUTES: whole_files.attributes(wanted),
    }
    return http.post(arguments.url, headers, body=audio)


def _ask_as_openai(base_url: str, name: str, audio: bytes, wanted: dict[str, str]) -> bytes:
    key = os.environ.get("OPENAI_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    fields = {"file": (name, audio, whole_files.CONTENT_TYPE), "model": "whisper-1", **wanted}
    return http.post(f"{base_url.rstrip('/')}/audio/transcriptions", headers, fields=fields)
