# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What an endpoint says where it does not transcribe, put into one short sentence."""

import json

PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""


def sentence_of(body: str) -> str:
    """Take the sentence out of an error's body; other text is left as it is.

    Known are our own, OpenAI's, and SageMaker Runtime's, which has the endpoint's within it.
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
    """Whether a body is HTML or XML, which no endpoint of ours answers with."""
    return body.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml"))


def shortened(text: str) -> str:
    """Return text in one line of at most 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:297]}..."
