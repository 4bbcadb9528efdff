# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Functions shared by several formats: times, fields, labels, JSON."""

import itertools
import json
from collections.abc import Iterator

from whisper_contract.transcript import Segment, Transcript, Word


def seconds(time: float) -> float:
    """Round a time to milliseconds; used by every format."""
    return milliseconds(time) / 1000


def milliseconds(time: float) -> int:
    """Return a time in whole milliseconds."""
    return round(time * 1000)


def channel_label(channel: int) -> str:
    """Return Amazon Transcribe's name of a channel, such as ``ch_0``."""
    return f"ch_{channel}"


def speaker_label(number: int) -> str:
    """Return the name that WhisperX gives a speaker, such as ``SPEAKER_00``."""
    return f"SPEAKER_{number:02d}"


def heading(segment: Segment) -> str | None:
    """Return the label before a segment's text: its speaker, or else its channel."""
    if segment.speaker is not None:
        return segment.speaker_name or speaker_label(segment.speaker)
    return None if segment.channel is None else channel_label(segment.channel)


def turns(transcript: Transcript) -> Iterator[list[Segment]]:
    """Yield runs of consecutive segments of one speaker, without blank segments."""
    said = (segment for segment in transcript.segments if segment.text.strip())
    for _, turn in itertools.groupby(said, key=lambda segment: segment.speaker):
        yield list(turn)


def word_fields(word: Word) -> dict[str, object]:
    """Return faster-whisper's fields of a word."""
    return {
        "word": word.word,
        "start": seconds(word.start),
        "end": seconds(word.end),
        "probability": word.probability,
        **speaker_field(word),
    }


def segment_fields(segment: Segment) -> dict[str, object]:
    """Return faster-whisper's fields of a segment except words, plus channel and speaker."""
    fields: dict[str, object] = {
        "id": segment.id,
        "seek": segment.seek,
        "start": seconds(segment.start),
        "end": seconds(segment.end),
        "text": segment.text,
        "tokens": segment.tokens,
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
    }
    return fields | channel_field(segment) | speaker_field(segment)


def channel_field(segment: Segment) -> dict[str, object]:
    """Return the channel of a segment as a field; empty if it has none."""
    return {} if segment.channel is None else {"channel": segment.channel}


def speaker_field(part: Segment | Word) -> dict[str, object]:
    """Return the speaker of a segment or word as a field; empty if it has none."""
    if part.speaker is None:
        return {}
    return {"speaker": part.speaker_name or speaker_label(part.speaker)}


def warnings_field(transcript: Transcript) -> dict[str, object]:
    """Return the warnings of a transcript as a field; empty if there are none."""
    return {"warnings": transcript.warnings} if transcript.warnings else {}


def dump(content: object) -> bytes:
    """Return JSON (RFC 8259) in UTF-8."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()
