# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Cuts the tokens of a window into segments, at the model's timestamps and at pauses."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from whisper_endpoint.audio.features import FRAMES_PER_SECOND
from whisper_endpoint.engine import pauses
from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.jobs import DecodeTask
from whisper_endpoint.messages import PreparedWindow
from whisper_endpoint.transcript import Segment, Word

# A timestamp token counts in steps of 20 ms, two frames.
_SECONDS_PER_STEP = 0.02
_FRAMES_PER_STEP = 2
LEAST_REMNANT = 100
"""Frames of 10 ms. From less audio than this Whisper hallucinates, and takes seconds to do so."""
# Frames before speech that is decoded again: the detector places its beginning late.
_REST_MARGIN = 20
# Maximum tokens, including timestamps, of stray last words of a text that was broken off.
_MOST_STRAY = 6


@dataclass(frozen=True)
class TokenSpan:
    """Tokens between two timestamps.

    Attributes
    ----------
    start, end : float
        Seconds from where decoding began.
    tokens : tuple of int
        Including timestamps.
    words : tuple of Word
        Words aligned with the audio, which together are the text; times as above.
    counts : tuple of int
        Number of text tokens of each word.
    """

    start: float
    end: float
    tokens: tuple[int, ...]
    words: tuple[Word, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """The accepted part of an attempt: spans, and the frames after which decoding continues."""

    task: DecodeTask
    attempt: Attempt
    spans: Sequence[TokenSpan]
    advance: int


def accept(task: DecodeTask, attempt: Attempt, tokenizer: Any) -> Accepted:
    """Cut an accepted attempt into spans, without those that hold no speech."""
    spans, advance = split(attempt.tokens, tokenizer.timestamp_begin, task.features.shape[1])
    # Equal timestamps, or no text: Whisper marks a segment without speech.
    heard = [
        span
        for span in spans
        if span.start != span.end and tokenizer.decode(list(span.tokens)).strip()
    ]
    return Accepted(task, attempt, heard, advance)


def segments_of(accepted: Accepted, tokenizer: Any) -> list[Segment]:
    """Return the segments of an accepted attempt, with times in the recording."""
    task, attempt = accepted.task, accepted.attempt
    prepared, seek = task.job.windows[task.position], task.seek / FRAMES_PER_SECOND
    heard = pauses.stretches(prepared.window, prepared.speech)
    segments: list[Segment] = []
    for span in accepted.spans:
        # Without an alignment only the model's own timestamps are known.
        whole = Word(span.start, span.end, tokenizer.decode(list(span.tokens)), 0.0)
        # Consecutive segments of the model may overlap in time; ours must not.
        before = segments or task.segments
        words = pauses.placed(
            span.words or (whole,), heard, seek, before[-1].end if before else 0.0
        )
        for part, tokens in _parts(span, words, tokenizer.eot):
            segments.append(
                Segment(
                    seek=round(prepared.window.in_recording(seek) * FRAMES_PER_SECOND),
                    start=part[0].start,
                    end=part[-1].end,
                    text="".join(word.word for word in part),
                    tokens=tuple(tokens),
                    temperature=attempt.temperature,
                    avg_logprob=attempt.avg_logprob,
                    compression_ratio=attempt.compression_ratio,
                    no_speech_prob=attempt.no_speech_prob,
                    is_cut=attempt.is_cut,
                    words=tuple(part) if task.job.parameters.word_timestamps else None,
                )
            )
    return segments


def advance_of(accepted: Accepted) -> int:
    """Return the frames after which decoding continues, so that no word is decoded twice.

    The model's timestamps may be seconds early, especially where silence was left out; words
    aligned after them would appear twice.
    """
    said = max((span.words[-1].end for span in accepted.spans if span.words), default=0.0)
    heard, frames = round(said * FRAMES_PER_SECOND), accepted.task.features.shape[1]
    if heard <= accepted.advance:
        return accepted.advance
    return heard if frames - heard >= LEAST_REMNANT else frames


def leaves_out_speech(task: DecodeTask, found: Sequence[Segment]) -> bool:
    """Whether there is speech without text before one of the segments that a task has found."""
    prepared = task.job.windows[task.position]
    if task.segments:
        end = task.segments[-1].end
    else:
        end = prepared.window.in_recording(task.seek / FRAMES_PER_SECOND)
    for segment in found:
        if pauses.untold(prepared.window, prepared.speech, end, segment.start) is not None:
            return True
        end = segment.end
    return False


def rest_of(
    task: DecodeTask, segments: tuple[Segment, ...]
) -> tuple[tuple[Segment, ...], int] | None:
    """Return the segments to keep and the frame to decode again from, or None.

    Whisper may stop after one of several passages in a window, especially at a change of language.
    The last words before it stopped are then often aligned with the end of the window; they are
    dropped, since they are decoded again. Live windows are not, because a caller is waiting.

    Parameters
    ----------
    segments : tuple of Segment
        Segments of the window, in order, at least one.
    """
    if task.is_live:
        return None
    prepared = task.job.windows[task.position]
    kept = _before_stray(segments, prepared)
    start = pauses.untold(prepared.window, prepared.speech, kept[-1].end)
    if start is None:
        return None
    frame = round(start * FRAMES_PER_SECOND) - _REST_MARGIN
    # If decoding from there gave no text before, it will not give any now.
    return (kept, frame) if frame >= task.seek + LEAST_REMNANT else None


def _before_stray(segments: tuple[Segment, ...], prepared: PreparedWindow) -> tuple[Segment, ...]:
    """Drop a few last words that follow speech without text."""
    for place in range(len(segments) - 1, 0, -1):
        before, rest = segments[:place], segments[place:]
        if sum(len(one.tokens) for one in rest) > _MOST_STRAY:
            break
        end, start = before[-1].end, rest[0].start
        if pauses.untold(prepared.window, prepared.speech, end, start) is not None:
            return before
    return segments


def split(tokens: Sequence[int], first_timestamp: int, frames: int) -> tuple[list[TokenSpan], int]:
    """Cut tokens between pairs of timestamps: one ends a segment, the next begins another.

    As in Whisper, text after the last such pair that no timestamp ends was cut off by the end of
    the window, and is decoded again from that pair on. Unlike in Whisper, it is kept if less than a
    second would be decoded again.

    Parameters
    ----------
    tokens : sequence of int
        Tokens that the model generated.
    first_timestamp : int
        The token for 0.00 s; greater tokens are later times.
    frames : int
        Frames of 10 ms that were decoded, without padding.

    Returns
    -------
    spans : list of TokenSpan
    advance : int
        Frames after which decoding continues; at least 1, at most ``frames``.
    """
    is_time = [token >= first_timestamp for token in tokens]
    cuts = [i for i in range(1, len(tokens)) if is_time[i - 1] and is_time[i]]
    heard = (tokens[cuts[-1] - 1] - first_timestamp) * _FRAMES_PER_STEP if cuts else 0
    # A pair at 0.00 is not a cut: the same audio would be decoded forever.
    if heard <= 0:
        return [_whole(tokens, is_time, first_timestamp, frames)], frames
    is_finished = is_time[-1] and not is_time[-2]
    if is_finished:
        cuts.append(len(tokens))
    spans = [
        _between(tokens[begin:end], first_timestamp)
        for begin, end in zip([0, *cuts], cuts, strict=False)
    ]
    if is_finished:
        return spans, frames
    if frames - heard >= LEAST_REMNANT:
        return spans, heard
    rest = tuple(tokens[cuts[-1] :])
    if is_time[-1]:
        return spans, frames
    start = (rest[0] - first_timestamp) * _SECONDS_PER_STEP
    return [*spans, TokenSpan(start, max(start, frames / FRAMES_PER_SECOND), rest)], frames


def _parts(
    span: TokenSpan, words: Sequence[Word], end_token: int
) -> Iterator[tuple[Sequence[Word], list[int]]]:
    """Cut a span at its pauses; yield the words of each part and their tokens."""
    parts = list(pauses.cut(words))
    if len(parts) == 1:
        yield parts[0], list(span.tokens)
        return
    counts, tokens = iter(span.counts), list(span.tokens)
    for part in parts[:-1]:
        texts = sum(itertools.islice(counts, len(part)))
        # Timestamps belong to no word; each stays in its place.
        places = [place for place, token in enumerate(tokens) if token < end_token]
        yield part, tokens[: places[texts]]
        tokens = tokens[places[texts] :]
    yield parts[-1], tokens


def _whole(
    tokens: Sequence[int], is_time: list[bool], first_timestamp: int, frames: int
) -> TokenSpan:
    steps = [token - first_timestamp for token, time in zip(tokens, is_time, strict=True) if time]
    ends_at_time = steps and steps[-1] > 0
    end = steps[-1] * _SECONDS_PER_STEP if ends_at_time else frames / FRAMES_PER_SECOND
    return TokenSpan(0.0, end, tuple(tokens))


def _between(tokens: Sequence[int], first_timestamp: int) -> TokenSpan:
    start, end = (max(0, tokens[index] - first_timestamp) for index in (0, -1))
    return TokenSpan(start * _SECONDS_PER_STEP, end * _SECONDS_PER_STEP, tuple(tokens))
