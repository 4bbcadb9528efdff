# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Transcripts as downloadable files: text, captions, or Amazon Transcribe's JSON."""

from collections.abc import Iterable

from whisper_contract import formats
from whisper_contract.transcript import Segment, Transcript, Word
from whisper_stream.events import TranscriptResult

FORMS = {"txt": "text", "srt": "srt", "vtt": "vtt", "json": "transcribe"}
"""File extension, and the contract's name of the format."""


def of_results(results: Iterable[TranscriptResult]) -> Transcript:
    """Return the finals of a live call as a transcript; partials are left out."""
    finals = sorted(
        (one for one in results if not one.is_partial and one.words),
        key=lambda one: (one.start, one.channel),
    )
    return Transcript(
        language=next((one.language for one in finals if one.language), ""),
        segments=tuple(_segment(one, place) for place, one in enumerate(finals, 1)),
        duration=max((one.end for one in finals), default=0.0),
        channels=2,
    )


def render(content: Transcript, extension: str, name: str) -> bytes:
    """Render a transcript.

    Parameters
    ----------
    extension : str
        A key of `FORMS`.
    name : str
        Job name in Amazon Transcribe's JSON.
    """
    return formats.render(content, formats.Form(response_format=FORMS[extension], job_name=name))


def _segment(result: TranscriptResult, place: int) -> Segment:
    return Segment(
        id=place,
        seek=0,
        start=result.start,
        end=result.end,
        text="".join(word.before + word.text for word in result.words),
        tokens=(),
        temperature=0.0,
        avg_logprob=0.0,
        compression_ratio=0.0,
        no_speech_prob=0.0,
        words=tuple(
            Word(word.start, word.end, word.before + word.text, word.confidence)
            for word in result.words
        ),
        channel=result.channel,
    )
