# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Warnings about speech that is missing from the text, which the caller cannot notice otherwise."""

from collections.abc import Iterator, Sequence

from whisper_endpoint.audio import vad
from whisper_endpoint.ingress.preparation import Recording
from whisper_endpoint.messages import SAMPLE_RATE, Priority, Span
from whisper_endpoint.transcript import Transcript

# Shorter stretches are coughs, or a word whose time was given to its neighbour.
_LEAST_S = 1.0


def warnings(
    recording: Recording, transcript: Transcript, channel: int | None = None
) -> tuple[str, ...]:
    """Return a warning about speech without text, and one about repetitions that were cut.

    Parameters
    ----------
    recording : Recording
        Its windows are the detected speech.
    channel : int, optional
        Channel of the request's audio, if each is transcribed separately.
    """
    # After a partial, the next one or the final reports it.
    if transcript.is_superseded or recording.priority == Priority.PARTIAL:
        return ()
    where = "" if channel is None else f" of channel {channel}"
    return (*_on_silence(recording, transcript, where), *_on_cuts(transcript, where))


def _on_silence(recording: Recording, transcript: Transcript, where: str) -> Iterator[str]:
    silent = list(_without_text(recording, transcript)) if recording.is_speech else []
    seconds = sum(span.end - span.start for span in silent) / SAMPLE_RATE
    if seconds >= _LEAST_S:
        yield (
            f"In {seconds:.1f} s{where}, the first at {silent[0].start / SAMPLE_RATE:.1f} s, "
            "speech was detected but no text was found: it may be noise, music or another "
            "language."
        )


def _on_cuts(transcript: Transcript, where: str) -> Iterator[str]:
    first = next((one for one in transcript.segments if one.is_cut), None)
    if first is not None:
        yield (
            f"From {first.start:.1f} s{where} on, the text repeated itself and was cut: "
            "anything actually said repeatedly, such as a number of equal digits, may be "
            "shortened."
        )


def _without_text(recording: Recording, transcript: Transcript) -> Iterator[Span]:
    said = [
        (round(one.start * SAMPLE_RATE), round(one.end * SAMPLE_RATE))
        for one in transcript.segments
        if one.text.strip()
    ]
    for window in recording.windows:
        for span in window.spans:
            for gap in _gaps(span, said):
                is_whole = gap == span
                heard = (
                    [gap] if is_whole else vad.speech_within(recording.samples, gap, recording.how)
                )
                yield from (one for one in heard if one.end - one.start >= _LEAST_S * SAMPLE_RATE)


def _gaps(span: Span, said: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Yield the parts of a span without text that are long enough to report."""
    begin = span.start
    for start, end in sorted(said):
        if start < span.end and end > span.start:
            yield from _long(begin, min(start, span.end))
            begin = max(begin, end)
    yield from _long(begin, span.end)


def _long(start: int, end: int) -> Iterator[Span]:
    if end - start >= _LEAST_S * SAMPLE_RATE:
        yield Span(start, end)
