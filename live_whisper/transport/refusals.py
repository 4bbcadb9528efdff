# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Reduce an endpoint's error response to one short sentence."""

import json

PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""HTTP statuses worth a retry."""


def sentence_of(body: str) -> str:
    """Extract the sentence from an error body; return other text unchanged.

    Knows our own format, OpenAI's, and SageMaker Runtime's, which wraps the endpoint's.
    """
    try:
        content = json.loads(body)
        if "OriginalMessage" in content:
            return sentence_of(str(content["OriginalMessage"]))
        error = content["error"]
    except (ValueError, TypeError, KeyError):
        return body
    return str(error.get("message") if isinstance(error, dict) else error) if error else body


def is_page(body: bytes) -> bool:
    """Return whether a body is HTML or XML, which our endpoints never send."""
    return body.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml"))


def shortened(text: str) -> str:
    """Return text in one line of at most 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:297]}..."
