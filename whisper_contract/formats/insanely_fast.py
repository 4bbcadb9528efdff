# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""insanely-fast-whisper's answer: the text, and chunks with a pair of times each."""

from whisper_contract.formats._fields import channel_field, dump, seconds, warnings_field
from whisper_contract.formats.form import Form
from whisper_contract.transcript import Segment, Transcript, Word


def render(transcript: Transcript, form: Form) -> bytes:
    """Return the JSON of ``chunks.schema.json``: a chunk is a segment, or a word."""
    by_word = "word" in form.timestamp_granularities
    chunks = []
    for segment in transcript.segments:
        chunks += [_chunk(part, segment) for part in (by_word and segment.words) or [segment]]
    return dump({"text": transcript.text, "chunks": chunks} | warnings_field(transcript))


def _chunk(part: Segment | Word, segment: Segment) -> dict[str, object]:
    text = part.word if isinstance(part, Word) else part.text
    times = [seconds(part.start), seconds(part.end)]
    return {"timestamp": times, "text": text, **channel_field(segment)}
