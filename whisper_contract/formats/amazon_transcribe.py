# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Amazon Transcribe's file of a batch job.

Its form is that of https://docs.aws.amazon.com/transcribe/latest/dg/channel-id-output-batch.html:
times and confidences are strings, and punctuation is an item of its own that has no times.
"""

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from whisper_contract.formats._fields import channel_label, dump, seconds

if TYPE_CHECKING:
    from whisper_contract.formats.form import Form
    from whisper_contract.transcript import Segment, Transcript

_Fields = dict[str, object]

# What Whisper writes at a word and Amazon Transcribe as an item; an apostrophe belongs to a word.
_OPENING = re.escape('¿¡([{"“«„')
_CLOSING = re.escape('.,!?;:…)]}"”»。，！？：；、।؟،')  # noqa: RUF001
_PARTS = re.compile(rf"([{_OPENING}]*)(.*?)([{_CLOSING}]*)", re.DOTALL)
# The one that Amazon gives punctuation.
_NO_CONFIDENCE = "0.0"


def render(transcript: "Transcript", form: "Form") -> bytes:
    """Return the JSON of ``whisper_contract/schemas/transcribe.schema.json``.

    ``channel_labels`` are there if channels were transcribed each for itself. A segment whose
    words are not known is one item, with its own times.
    """
    items: list[_Fields] = []
    stretches: list[_Fields] = []
    by_channel: dict[int, list[_Fields]] = {n: [] for n in range(transcript.channels or 0)}
    for segment in transcript.segments:
        mine = [
            {"id": number, **item, **_label(segment)}
            for number, item in enumerate(_items(segment), start=len(items))
        ]
        items += mine
        stretches.append(_stretch(segment, len(stretches), [item["id"] for item in mine]))
        if segment.channel is not None:
            by_channel.setdefault(segment.channel, []).extend(mine)
    results: _Fields = {"transcripts": [{"transcript": transcript.text}], "items": items}
    if transcript.channels is not None:
        results["channel_labels"] = _channel_labels(by_channel)
    results["audio_segments"] = stretches
    return dump(
        {
            "jobName": form.job_name,
            "accountId": form.account_id,
            "status": "COMPLETED",
            "results": results,
        }
    )


def _channel_labels(by_channel: dict[int, list[_Fields]]) -> _Fields:
    channels = [
        {"channel_label": channel_label(number), "items": items}
        for number, items in by_channel.items()
    ]
    return {"channels": channels, "number_of_channels": len(channels)}


def _items(segment: "Segment") -> Iterator[_Fields]:
    if not segment.words:
        text = segment.text.strip()
        if text:
            yield _pronunciation(text, segment.start, segment.end, math.exp(segment.avg_logprob))
        return
    for word in segment.words:
        parts = _PARTS.fullmatch(word.word.strip())
        assert parts is not None  # every part may be empty
        before, said, after = parts.groups()
        if before:
            yield _punctuation(before)
        if said:
            yield _pronunciation(said, word.start, word.end, word.probability)
        if after:
            yield _punctuation(after)


def _pronunciation(content: str, start: float, end: float, confidence: float) -> _Fields:
    return {
        "type": "pronunciation",
        "alternatives": [{"confidence": str(round(confidence, 3)), "content": content}],
        "start_time": str(seconds(start)),
        "end_time": str(seconds(end)),
    }


def _punctuation(content: str) -> _Fields:
    alternative = {"confidence": _NO_CONFIDENCE, "content": content}
    return {"type": "punctuation", "alternatives": [alternative]}


def _stretch(segment: "Segment", number: int, items: list[object]) -> _Fields:
    return {
        "id": number,
        "transcript": segment.text.strip(),
        "start_time": str(seconds(segment.start)),
        "end_time": str(seconds(segment.end)),
        **_label(segment),
        "items": items,
    }


def _label(segment: "Segment") -> _Fields:
    return {} if segment.channel is None else {"channel_label": channel_label(segment.channel)}
