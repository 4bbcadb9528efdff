# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Tokens of a window are cut at the model's own timestamps, and at pauses, and become segments."""

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
"""Frames of 10 ms. Of less, heard for itself, Whisper makes up something, and takes seconds."""
# Before speech that is decoded again: the detector hears its beginning late.
_REST_MARGIN = 20
# Tokens, timestamps included, of the last words of a text that was broken off.
_MOST_STRAY = 6


@dataclass(frozen=True)
class TokenSpan:
    """Tokens between two timestamps.

    Attributes
    ----------
    start, end : float
        Seconds from where decoding began.
    tokens : tuple of int
        Timestamps included.
    words : tuple of Word
        Those aligned with the audio; their times too are seconds from where decoding began.
        Together they are the text.
    counts : tuple of int
        Of how many text tokens each word is made.
    """

    start: float
    end: float
    tokens: tuple[int, ...]
    words: tuple[Word, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """What is believed of an attempt: spans, and the frames after which decoding goes on."""

    task: DecodeTask
    attempt: Attempt
    spans: Sequence[TokenSpan]
    advance: int


def accept(task: DecodeTask, attempt: Attempt, tokenizer: Any) -> Accepted:
    """Cut an attempt that is believed into spans; those that hold no speech are left out."""
    spans, advance = split(attempt.tokens, tokenizer.timestamp_begin, task.features.shape[1])
    # Whisper's sign of a segment that was not heard.
    heard = [
        span
        for span in spans
        if span.start != span.end and tokenizer.decode(list(span.tokens)).strip()
    ]
    return Accepted(task, attempt, heard, advance)


def segments_of(accepted: Accepted, tokenizer: Any) -> list[Segment]:
    """Return the segments of what is believed, with times in the recording."""
    task, attempt = accepted.task, accepted.attempt
    prepared, seek = task.job.windows[task.position], task.seek / FRAMES_PER_SECOND
    heard = pauses.stretches(prepared.window, prepared.speech)
    segments: list[Segment] = []
    for span in accepted.spans:
        # Without an alignment what the model says of the segment is all that is known.
        whole = Word(span.start, span.end, tokenizer.decode(list(span.tokens)), 0.0)
        # The model may say a word twice, once in each of two segments: they do not overlap.
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
    """Return the frames after which decoding goes on: no word is heard again.

    The model's timestamps may be seconds early, above all where silence was left out; what was
    heard behind them would be there twice.
    """
    said = max((span.words[-1].end for span in accepted.spans if span.words), default=0.0)
    heard, frames = round(said * FRAMES_PER_SECOND), accepted.task.features.shape[1]
    if heard <= accepted.advance:
        return accepted.advance
    return heard if frames - heard >= LEAST_REMNANT else frames


def rest_of(
    task: DecodeTask, segments: tuple[Segment, ...]
) -> tuple[tuple[Segment, ...], int] | None:
    """Return what stays, and the frame from which a window is decoded again, if any is.

    Whisper may end a window's text after one of several passages, at a change of language above
    all; of a text that it breaks off the last words are often aligned with the end of the window,
    and are dropped, since they are heard again. Somebody waits for a live answer, so only files
    are listened to again.

    Parameters
    ----------
    segments : tuple of Segment
        Of the window, in order, at least one.
    """
    if task.is_live:
        return None
    prepared = task.job.windows[task.position]
    kept = _before_stray(segments, prepared)
    start = pauses.untold(prepared.window, prepared.speech, kept[-1].end)
    if start is None:
        return None
    frame = round(start * FRAMES_PER_SECOND) - _REST_MARGIN
    # What was heard again from there and had no text has none.
    return (kept, frame) if frame >= task.seek + LEAST_REMNANT else None


def _before_stray(segments: tuple[Segment, ...], prepared: PreparedWindow) -> tuple[Segment, ...]:
    """Leave out a few last words behind speech that got no text."""
    for place in range(len(segments) - 1, 0, -1):
        before, rest = segments[:place], segments[place:]
        if sum(len(one.tokens) for one in rest) > _MOST_STRAY:
            break
        end, start = before[-1].end, rest[0].start
        if pauses.untold(prepared.window, prepared.speech, end, start) is not None:
            return before
    return segments


def split(tokens: Sequence[int], first_timestamp: int, frames: int) -> tuple[list[TokenSpan], int]:
    """Cut tokens where one timestamp ends a segment and the next begins another.

    The rule is Whisper's: text after the last such pair, unless a timestamp ends it, was cut off
    by the end of the window, and is heard again from that pair on. One is ours: where less than a
    second would be heard again, the text that there is of it counts.

    Parameters
    ----------
    tokens : sequence of int
        What the model generated.
    first_timestamp : int
        The token for 0.00 s; greater tokens are later times.
    frames : int
        Frames of 10 ms that were decoded, without padding.

    Returns
    -------
    spans : list of TokenSpan
    advance : int
        Frames after which decoding goes on; at least 1, at most ``frames``.
    """
    is_time = [token >= first_timestamp for token in tokens]
    cuts = [i for i in range(1, len(tokens)) if is_time[i - 1] and is_time[i]]
    heard = (tokens[cuts[-1] - 1] - first_timestamp) * _FRAMES_PER_STEP if cuts else 0
    # A pair at 0.00 is no cut: the same audio would be decoded for ever.
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
    """Cut a span at its pauses: words, and the tokens that they are made of."""
    parts = list(pauses.cut(words))
    if len(parts) == 1:
        yield parts[0], list(span.tokens)
        return
    counts, tokens = iter(span.counts), list(span.tokens)
    for part in parts[:-1]:
        texts = sum(itertools.islice(counts, len(part)))
        # Timestamps are no part of a word; each stays where it was said.
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
