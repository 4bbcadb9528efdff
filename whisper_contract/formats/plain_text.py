# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Plain text."""

from whisper_contract.formats._fields import heading
from whisper_contract.formats.form import Form
from whisper_contract.transcript import Transcript


def render(transcript: Transcript, _: Form) -> bytes:
    """Return the transcript and a line feed, in UTF-8.

    With speakers or separate channels, return a line for each segment, beginning with its speaker
    or else its channel.
    """
    if transcript.channels is None and transcript.speakers is None:
        return f"{transcript.text}\n".encode()
    lines = []
    for segment in transcript.segments:
        text = " ".join(segment.text.split())
        if text:
            who = heading(segment)
            lines.append(f"{text}\n" if who is None else f"{who}: {text}\n")
    return "".join(lines).encode()
