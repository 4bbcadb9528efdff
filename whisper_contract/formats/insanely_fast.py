# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""insanely-fast-whisper's format: the text, and chunks with a pair of times each."""

from collections.abc import Sequence

from whisper_contract.formats._fields import (
    channel_field,
    dump,
    seconds,
    speaker_field,
    turns,
    warnings_field,
)
from whisper_contract.formats.form import Form
from whisper_contract.text import join
from whisper_contract.transcript import Segment, Transcript, Word


def render(transcript: Transcript, form: Form) -> bytes:
    """Return the JSON of ``chunks.schema.json``: a chunk is a segment, or a word.

    After diarization, ``speakers`` has the turns of the speakers.
    """
    by_word = "word" in form.timestamp_granularities
    chunks = []
    for segment in transcript.segments:
        chunks += [_chunk(part, segment) for part in (by_word and segment.words) or [segment]]
    content: dict[str, object] = {"text": transcript.text, "chunks": chunks}
    if transcript.speakers is not None:
        content["speakers"] = [_turn(turn) for turn in turns(transcript)]
    return dump(content | warnings_field(transcript))


def _turn(turn: Sequence[Segment]) -> dict[str, object]:
    return {
        **speaker_field(turn[0]),
        "text": join(segment.text for segment in turn),
        "timestamp": [seconds(turn[0].start), seconds(max(one.end for one in turn))],
    }


def _chunk(part: Segment | Word, segment: Segment) -> dict[str, object]:
    text = part.word if isinstance(part, Word) else part.text
    times = [seconds(part.start), seconds(part.end)]
    return {"timestamp": times, "text": text, **channel_field(segment)}
