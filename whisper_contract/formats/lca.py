# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint's own JSON: what Live Call Analytics reads, with faster-whisper's segments."""

from whisper_contract.formats._fields import dump, segment_fields, warnings_field, word_fields
from whisper_contract.formats.form import Form
from whisper_contract.transcript import Segment, Transcript


def render(transcript: Transcript, form: Form) -> bytes:
    """Return the JSON of ``whisper_contract/schemas/response.schema.json``.

    A ``no_speech_prob`` next to ``text`` would make Live Call Analytics drop the text.
    """
    content: dict[str, object] = {"text": transcript.text, "language": transcript.language}
    if form.include_segments:
        content["segments"] = [_segment(segment) for segment in transcript.segments]
    if transcript.is_superseded:
        content["superseded"] = True
    return dump(content | warnings_field(transcript))


def _segment(segment: Segment) -> dict[str, object]:
    fields = segment_fields(segment)
    if segment.words is not None:
        fields["words"] = [word_fields(word) for word in segment.words]
    return fields
