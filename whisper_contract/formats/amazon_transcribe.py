# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Amazon Transcribe's output file of a batch job.

The format is described in
https://docs.aws.amazon.com/transcribe/latest/dg/channel-id-output-batch.html and
https://docs.aws.amazon.com/transcribe/latest/dg/diarization-output-batch.html: times and
confidences are strings, and punctuation marks are separate items without times.
"""

import math
from collections.abc import Iterator

from whisper_contract.amazon_items import PRONUNCIATION, PUNCTUATION, items
from whisper_contract.formats._fields import (
    channel_label,
    dump,
    milliseconds,
    seconds,
    warnings_field,
)
from whisper_contract.formats.form import Form
from whisper_contract.transcript import Segment, Transcript, readable

_Fields = dict[str, object]

# Amazon's confidence for punctuation.
_NO_CONFIDENCE = "0.0"


def render(transcript: Transcript, form: Form) -> bytes:
    """Return the JSON of ``whisper_contract/schemas/transcribe.schema.json``.

    It has ``channel_labels`` if channels were transcribed separately, and ``speaker_labels`` after
    diarization. A segment without words is one item, with the segment's times.
    """
    everything: list[_Fields] = []
    times = _Times(by_channel=transcript.speakers is None)
    stretches: list[_Fields] = []
    by_channel: dict[int, list[_Fields]] = {n: [] for n in range(transcript.channels or 0)}
    for segment in transcript.segments:
        mine = [
            {"id": number, **item, **_labels(segment)}
            for number, item in enumerate(_items(segment, times), start=len(everything))
        ]
        everything += mine
        stretches.append(_stretch(segment, len(stretches), [item["id"] for item in mine]))
        if segment.channel is not None:
            by_channel.setdefault(segment.channel, []).extend(mine)
    results: _Fields = {"transcripts": [{"transcript": transcript.text}], "items": everything}
    if transcript.channels is not None:
        results["channel_labels"] = _channel_labels(by_channel)
    if transcript.speakers is not None:
        results["speaker_labels"] = _speaker_labels(transcript, stretches, everything)
    results["audio_segments"] = stretches
    return dump(
        {
            "jobName": form.job_name,
            "accountId": form.account_id,
            "status": "COMPLETED",
            "results": results,
            **warnings_field(transcript),
        }
    )


def _channel_labels(by_channel: dict[int, list[_Fields]]) -> _Fields:
    channels = [
        {"channel_label": channel_label(number), "items": items}
        for number, items in by_channel.items()
    ]
    return {"channels": channels, "number_of_channels": len(channels)}


def _speaker_labels(
    transcript: Transcript, stretches: list[_Fields], items: list[_Fields]
) -> _Fields:
    segments: list[_Fields] = []
    begin = 0
    for stretch in stretches:
        end = begin + len(stretch["items"]) if isinstance(stretch["items"], list) else begin
        said = [one for one in items[begin:end] if "start_time" in one]
        begin = end
        if not said:
            continue
        names = ("start_time", "end_time", "speaker_label")
        segments.append(
            {name: stretch[name] for name in names}
            | {"items": [{name: one[name] for name in names} for one in said]}
        )
    # Amazon names the channel even if there is only one.
    channel = {"channel_label": channel_label(0)} if transcript.channels is None else {}
    return {**channel, "speakers": transcript.speakers, "segments": segments}


class _Times:
    """Makes the time pairs of words unique: Amazon's consumers find words by them.

    Parameters
    ----------
    by_channel : bool
        Whether they have to be unique per channel, or over all channels.
    """

    def __init__(self, *, by_channel: bool) -> None:
        self._by_channel = by_channel
        self._given: set[tuple[int | None, int, int]] = set()

    def of(self, channel: int | None, start: float, end: float) -> _Fields:
        """Return a word's time fields; delay the end by milliseconds until the pair is unique."""
        first, last = milliseconds(start), milliseconds(end)
        among = channel if self._by_channel else None
        while (among, first, last) in self._given:
            last += 1
        self._given.add((among, first, last))
        return {"start_time": str(first / 1000), "end_time": str(last / 1000)}


def _items(segment: Segment, times: _Times) -> Iterator[_Fields]:
    if not segment.words:
        text = segment.text.strip()
        if text:
            confidence = math.exp(segment.avg_logprob)
            yield _pronunciation(
                text, confidence, times.of(segment.channel, segment.start, segment.end)
            )
        return
    for word in readable(segment.words):
        for kind, content in items(word.word):
            if kind == PUNCTUATION:
                yield _punctuation(content)
            else:
                at = times.of(segment.channel, word.start, word.end)
                yield _pronunciation(content, word.probability, at)


def _pronunciation(content: str, confidence: float, times: _Fields) -> _Fields:
    alternative = {"confidence": str(round(confidence, 3)), "content": content}
    return {"type": PRONUNCIATION, "alternatives": [alternative], **times}


def _punctuation(content: str) -> _Fields:
    alternative = {"confidence": _NO_CONFIDENCE, "content": content}
    return {"type": PUNCTUATION, "alternatives": [alternative]}


def _stretch(segment: Segment, number: int, items: list[object]) -> _Fields:
    return {
        "id": number,
        "transcript": segment.text.strip(),
        "start_time": str(seconds(segment.start)),
        "end_time": str(seconds(segment.end)),
        **_labels(segment),
        "items": items,
    }


def _labels(segment: Segment) -> _Fields:
    labels: _Fields = {}
    if segment.channel is not None:
        labels["channel_label"] = channel_label(segment.channel)
    if segment.speaker is not None:
        labels["speaker_label"] = f"spk_{segment.speaker}"
    return labels
