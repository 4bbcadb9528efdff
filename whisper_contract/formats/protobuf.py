# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The compact form: ``TranscribeResponse`` of ``whisper_contract/transcription.proto``."""

from whisper_contract import transcription_pb2 as pb
from whisper_contract.formats._fields import seconds
from whisper_contract.formats.form import Form
from whisper_contract.transcript import Segment, Transcript, Word


def render(transcript: Transcript, form: Form) -> bytes:
    """Return a serialised ``TranscribeResponse``."""
    message = pb.TranscribeResponse(
        text=transcript.text,
        language=transcript.language,
        language_probability=transcript.language_probability,
        duration=seconds(transcript.duration),
        superseded=transcript.is_superseded,
        warnings=transcript.warnings,
        speakers=transcript.speakers,
        channels=transcript.channels,
    )
    if form.include_segments:
        message.segments.extend(_segment(segment) for segment in transcript.segments)
    return message.SerializeToString()


def _segment(segment: Segment) -> pb.Segment:
    return pb.Segment(
        id=segment.id,
        seek=segment.seek,
        start=seconds(segment.start),
        end=seconds(segment.end),
        text=segment.text,
        tokens=segment.tokens,
        temperature=segment.temperature,
        avg_logprob=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        no_speech_prob=segment.no_speech_prob,
        words=[_word(word) for word in segment.words or ()],
        channel=segment.channel,
        speaker=segment.speaker,
        speaker_name=segment.speaker_name,
    )


def _word(word: Word) -> pb.Word:
    return pb.Word(
        word=word.word,
        start=seconds(word.start),
        end=seconds(word.end),
        probability=word.probability,
        speaker=word.speaker,
        speaker_name=word.speaker_name,
    )


def read(body: bytes) -> Transcript:
    """Return the transcript of a serialised ``TranscribeResponse``.

    Raises
    ------
    google.protobuf.message.DecodeError
        The bytes are not a ``TranscribeResponse``.
    """
    message = pb.TranscribeResponse.FromString(body)
    segments = tuple(_read_segment(segment) for segment in message.segments)
    return Transcript(
        message.language,
        segments,
        is_superseded=message.superseded,
        language_probability=message.language_probability,
        duration=message.duration,
        channels=message.channels if message.HasField("channels") else _channels(segments),
        warnings=tuple(message.warnings),
        speakers=message.speakers if message.HasField("speakers") else None,
    )


def _channels(segments: tuple[Segment, ...]) -> int | None:
    """Return the minimum number of channels, for a response without that field."""
    numbers = [segment.channel for segment in segments if segment.channel is not None]
    return max(numbers) + 1 if numbers else None


def _read_segment(segment: pb.Segment) -> Segment:
    words = tuple(
        Word(w.start, w.end, w.word, w.probability, _read_speaker(w), w.speaker_name or None)
        for w in segment.words
    )
    return Segment(
        id=segment.id,
        seek=segment.seek,
        start=segment.start,
        end=segment.end,
        text=segment.text,
        tokens=tuple(segment.tokens),
        temperature=segment.temperature,
        avg_logprob=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        no_speech_prob=segment.no_speech_prob,
        words=words or None,
        channel=segment.channel if segment.HasField("channel") else None,
        speaker=_read_speaker(segment),
        speaker_name=segment.speaker_name or None,
    )


def _read_speaker(part: pb.Segment | pb.Word) -> int | None:
    return part.speaker if part.HasField("speaker") else None
