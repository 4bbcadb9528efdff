# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""OpenAI's formats: ``json``, also as events, ``verbose_json`` and ``diarized_json``."""

import itertools
from collections.abc import Sequence
from string import ascii_uppercase

from whisper_contract.formats._fields import (
    channel_field,
    dump,
    seconds,
    segment_fields,
    warnings_field,
    word_fields,
)
from whisper_contract.formats.form import Form
from whisper_contract.text import as_seen
from whisper_contract.transcript import Segment, Transcript, readable


def render(transcript: Transcript, _: Form) -> bytes:
    """Return the JSON of ``whisper_contract/schemas/json.schema.json``."""
    return dump({"text": transcript.text} | warnings_field(transcript))


def render_events(transcript: Transcript, _: Form) -> bytes:
    """Return ``transcript.text.delta`` for each segment, then ``transcript.text.done``."""
    text = transcript.text
    texts = [segment.text for segment in transcript.segments if segment.text]
    if "".join(texts).strip() != text:
        texts = [text]
    events: list[dict[str, object]] = []
    left = text
    for place, one in enumerate(texts, 1):
        delta = left if place == len(texts) else (one if events else one.lstrip())
        left = left[len(delta) :]
        if delta:
            events.append({"type": "transcript.text.delta", "delta": delta})
    done: dict[str, object] = {"type": "transcript.text.done", "text": text}
    events.append(done | warnings_field(transcript))
    return b"".join(b"data: " + dump(event).rstrip() + b"\n\n" for event in events)


def render_verbose(transcript: Transcript, form: Form) -> bytes:
    """Return the JSON of ``whisper_contract/schemas/verbose_json.schema.json``.

    Without granularities it has segments, and words if the transcript has them. As in OpenAI's,
    segments are numbered from 0 and words are stripped.
    """
    granularities = form.timestamp_granularities
    content: dict[str, object] = {
        "task": form.task,
        "language": transcript.language,
        "duration": seconds(transcript.duration),
        "text": transcript.text,
    }
    has_words = any(segment.words is not None for segment in transcript.segments)
    if "word" in granularities or (not granularities and has_words):
        content["words"] = _words(transcript)
    if form.include_segments and (not granularities or "segment" in granularities):
        content["segments"] = [
            segment_fields(segment) | {"id": number}
            for number, segment in enumerate(transcript.segments)
        ]
    return dump(content | warnings_field(transcript))


def render_diarized(transcript: Transcript, form: Form) -> bytes:
    """Return the JSON of ``whisper_contract/schemas/diarized_json.schema.json``."""
    said = [segment for segment in transcript.segments if segment.text.strip()]
    labels = _labels(said)
    content: dict[str, object] = {
        "task": form.task,
        "duration": seconds(transcript.duration),
        "text": transcript.text,
        "segments": [
            {
                "type": "transcript.text.segment",
                "id": f"seg_{number:03d}",
                "start": seconds(segment.start),
                "end": seconds(segment.end),
                "text": segment.text.strip(),
                "speaker": labels[segment.speaker or 0],
            }
            for number, segment in enumerate(said, start=1)
        ],
    }
    return dump(content | warnings_field(transcript))


def _labels(said: Sequence[Segment]) -> dict[int, str]:
    """Return each speaker's label: their name or, for the others, letters that are no name."""
    names = {one.speaker or 0: one.speaker_name for one in said}
    taken = {as_seen(name) for name in names.values() if name}
    free = (one for one in map(_letters, itertools.count()) if one not in taken)
    numbers = range(max(names, default=-1) + 1)
    return {number: names.get(number) or next(free) for number in numbers}


def _letters(number: int) -> str:
    """Return a speaker's letters: A to Z, then AA, AB and so on."""
    first, last = divmod(number, len(ascii_uppercase))
    return (ascii_uppercase[first - 1] if first else "") + ascii_uppercase[last]


def _words(transcript: Transcript) -> list[dict[str, object]]:
    return [
        word_fields(word) | {"word": word.word.strip()} | channel_field(segment)
        for segment in transcript.segments
        for word in readable(segment.words or ())
    ]
