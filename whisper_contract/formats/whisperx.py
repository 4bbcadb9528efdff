# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""WhisperX's list of segments."""

from whisper_contract.formats._fields import dump, seconds, speaker_field, speaker_label
from whisper_contract.formats.form import Form
from whisper_contract.transcript import Segment, Transcript, Word, readable


def render(transcript: Transcript, _: Form) -> bytes:
    """Return the JSON of ``whisper_contract/schemas/segments.schema.json``.

    Without diarization, each separately transcribed channel counts as a speaker.
    """
    return dump([_segment(segment) for segment in transcript.segments])


def _segment(segment: Segment) -> dict[str, object]:
    fields: dict[str, object] = {
        "start": seconds(segment.start),
        "end": seconds(segment.end),
        "text": segment.text.strip(),
        **_speaker(segment, segment),
    }
    if segment.words is not None:
        fields["words"] = [
            {
                "word": word.word.strip(),
                "start": seconds(word.start),
                "end": seconds(word.end),
                "score": word.probability,
                **_speaker(word, segment),
            }
            for word in readable(segment.words)
        ]
    return fields


def _speaker(part: Segment | Word, segment: Segment) -> dict[str, object]:
    if part.speaker is None and segment.channel is not None:
        return {"speaker": speaker_label(segment.channel)}
    return speaker_field(part)
